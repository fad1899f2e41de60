import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { IPty } from '@lydell/node-pty';
import { spawn as spawnPty } from '@lydell/node-pty';
import { vi } from 'vitest';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';

const CLI = join(PROJECT_ROOT, 'dist/src/cli.js');
const PATIENCE_MS = 15_000;

/** `hallpass` as a process on a machine of its own: a home, and nothing of this one's environment. */
export class HallpassHome implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async make(env: Readonly<Record<string, string>> = {}): Promise<HallpassHome> {
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-home-'));
    return new HallpassHome(folder, env);
  }

  /** Runs it between pipes, to its end. */
  async run(args: readonly string[], input: Uint8Array = new Uint8Array(), env = {}) {
    const child = spawn(process.execPath, [CLI, ...args], { env: this.environment(env) });
    child.stdin.on('error', () => undefined).end(input);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
    return { code: await ended, stdout, stderr };
  }

  /** Starts it between pipes. */
  start(args: readonly string[]) {
    return spawn(process.execPath, [CLI, ...args], { env: this.environment({}) });
  }

  /** Runs it in a terminal of its own. */
  terminal(args: readonly string[], env: Readonly<Record<string, string>> = {}): HallpassTerminal {
    return new HallpassTerminal(
      spawnPty(process.execPath, [CLI, ...args], {
        name: 'xterm-256color',
        cols: 100,
        rows: 30,
        cwd: this.folder,
        env: this.environment(env),
      }),
    );
  }

  /** Runs another program there, which finds `hallpass` as an installed package has it: by its two names. */
  async runOther(program: string, args: readonly string[]) {
    const bin = join(this.folder, 'bin');
    await mkdir(bin, { recursive: true });
    for (const name of ['hallpass', 'kubectl-hallpass']) {
      const script = `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`;
      await writeFile(join(bin, name), script, { mode: 0o755 });
    }
    const env = this.environment({ PATH: `${bin}:${process.env['PATH'] ?? ''}` });
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await ended, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private environment(more: Readonly<Record<string, string>>): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      TZ: 'Europe/Berlin',
      TERM: 'xterm-256color',
      ...this.env,
      ...more,
    };
  }
}

/** What a person at a terminal sees and types. */
export class HallpassTerminal implements Disposable {
  shown = '';
  code: number | undefined;
  signal: number | undefined;
  private read = 0;

  constructor(readonly pty: IPty) {
    pty.onData((data) => (this.shown += data));
    pty.onExit(({ exitCode, signal }) => {
      this.code = exitCode;
      this.signal = signal;
    });
  }

  type(keys: string): void {
    this.pty.write(keys);
  }

  /** Waits until something new is shown that matches, and reads up to there. */
  async sees(pattern: RegExp, patienceMs = PATIENCE_MS): Promise<void> {
    await vi.waitFor(
      () => {
        const found = pattern.exec(this.shown.slice(this.read));
        if (!found) throw new Error(`not seen: ${pattern} in ${JSON.stringify(this.shown)}`);
        this.read += found.index + found[0].length;
      },
      { timeout: patienceMs, interval: 20 },
    );
  }

  /** Waits until it has ended, and gives its exit code. */
  async ended(): Promise<number> {
    return vi.waitFor(
      () => {
        if (this.code === undefined) throw new Error(`still runs: ${JSON.stringify(this.shown)}`);
        return this.code;
      },
      { timeout: PATIENCE_MS, interval: 20 },
    );
  }

  [Symbol.dispose](): void {
    if (this.code === undefined) this.pty.kill('SIGKILL');
  }
}
