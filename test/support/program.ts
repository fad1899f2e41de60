import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A built program of the project, as a process of its own. */
export class Program implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  /** It has ended, and all that it said was heard. */
  private isOver = false;
  private readonly listeners = new Set<() => void>();

  /**
   * @param path in the sources, such as `src/server.ts`.
   * @param stdout a file in the place of {@link stdout}, by its descriptor.
   * @throws Error where it is not built.
   */
  constructor(
    path: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    stdout: number | 'pipe' = 'pipe',
  ) {
    const built = join(PROJECT_ROOT, 'dist', path.replace(/\.ts$/, '.js'));
    if (!existsSync(built)) throw new Error(`${path} is not built: run npm run build`);
    // Nothing of this process's own environment: what a test needs, it names.
    const clean = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env };
    this.child = spawn(process.execPath, [built, ...args], {
      env: clean,
      stdio: ['ignore', stdout, 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.heard('stdout', text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.heard('stderr', text));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        this.isOver = true;
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.tell();
      });
    });
  }

  /** Resolves with the first match on standard output; rejects where the program ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found) return found;
      if (this.isOver) {
        throw new Error(`it ended without saying ${pattern}: ${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.listeners.add(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** From now on nobody reads what it says. */
  stopReading(): void {
    this.child.stdout?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private heard(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.tell();
  }

  private tell(): void {
    for (const resolve of this.listeners) resolve();
    this.listeners.clear();
  }
}
