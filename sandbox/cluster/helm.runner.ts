import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './layer.archive.js';

/** The Helm 3 and the Helms 4 that the npm packages carry, oldest first. */
export const helmVersions = ['3.17', '4.1', '4.2'] as const;
export type HelmVersion = (typeof helmVersions)[number];

const LAYERS = { '3.17': '30', '4.1': '35', '4.2': '36' } as const satisfies Record<
  HelmVersion,
  string
>;

const RUN_MILLISECONDS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface HelmRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** The real Helm, with a home of its own and no cluster. */
export class Helm implements AsyncDisposable {
  private constructor(
    private readonly program: string,
    private readonly home: string,
  ) {}

  static async with(version: HelmVersion = '4.2'): Promise<Helm> {
    const home = await mkdtemp(join(tmpdir(), 'helm-'));
    return new Helm(await programPath({ layer: LAYERS[version], entry: 'helm/helm' }, home), home);
  }

  /** Runs to its end; `stdin` is for `-f -`. */
  run(args: readonly string[], stdin = ''): Promise<HelmRun> {
    return new Promise((resolve, reject) => {
      const env = { HOME: this.home, PATH: process.env['PATH'] ?? '' };
      const bounds = { timeout: RUN_MILLISECONDS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
      const child = execFile(
        this.program,
        [...args],
        { env, ...bounds },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== 'number') {
            reject(new Error('Helm could not be run', { cause: error }));
            return;
          }
          resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
        },
      );
      // A Helm that ends early leaves its stdin closed; that is its affair.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(stdin);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}
