import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import {
  type ContainerExit,
  type ContainerSpec,
  type RunningContainer,
  StartError,
} from './container.spec.js';
import { type LogEntry, OutputLog } from './output.log.js';
import { atMost } from './process.output.js';

// Kills its own process group when the runtime is gone: the pipe at 3 then ends.
const guardedScript = `{ read -r line <&3; kill -KILL 0; } </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

/**
 * An application's process on a machine without namespaces: nothing but a process group. It must not be given what a
 * debug session runs: a timer that kills "all that shares my mount namespace" would kill the developer's own processes.
 */
export class PlainContainer implements RunningContainer {
  readonly id: string;
  readonly startedAt = new Date();
  readonly exited: Promise<ContainerExit>;
  readonly #log = new OutputLog();
  readonly #group: number;
  #alive = true;

  private constructor(spec: ContainerSpec) {
    this.id = spec.id;
    const child = spawn('/bin/sh', ['-c', guardedScript, 'hallpass', ...spec.command], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: spec.env,
      detached: true,
    });
    this.#group = child.pid ?? 0;
    child.stdout?.on('data', (chunk: Buffer) => this.#log.append(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#log.append(chunk));
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
    this.exited = new Promise<number>((resolve) => {
      child.on('error', () => resolve(127));
      child.on('exit', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
      });
    }).then(async (exitCode) => {
      this.#kill('SIGKILL');
      this.#alive = false;
      await atMost(1_000, closed);
      this.#log.close();
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      return { exitCode, reason, startedAt: this.startedAt, finishedAt: new Date() };
    });
  }

  /** Throws a StartError for everything but an application. */
  static start(spec: ContainerSpec, isolationNote: string): PlainContainer {
    const suspicious = spec.command.some((word) => /\bkill\b|\bpkill\b|readlink|\/ns\//.test(word));
    if (spec.stdin || spec.tty || spec.sharePidWith !== undefined || suspicious) {
      throw new StartError(isolationNote);
    }
    if ((spec.runAsUser ?? 0) !== 0 && spec.runAsUser !== process.getuid?.()) {
      throw new StartError(`cannot run as user ${spec.runAsUser}: ${isolationNote}`);
    }
    if (spec.readOnlyRoot) {
      throw new StartError(`cannot have a read-only root file system: ${isolationNote}`);
    }
    return new PlainContainer(spec);
  }

  log(): Buffer {
    return this.#log.read();
  }

  logEntries(): readonly LogEntry[] {
    return this.#log.entries();
  }

  followLog(signal: AbortSignal, options?: { onlyNew?: boolean }): AsyncIterable<LogEntry> {
    return this.#log.follow(signal, options);
  }

  has(pid: number): boolean {
    return this.#alive && groupOf(pid) === this.#group;
  }

  async stop(graceSeconds: number): Promise<void> {
    this.#kill('SIGTERM');
    await atMost(graceSeconds * 1_000, this.exited);
    this.#kill('SIGKILL');
    await this.exited;
  }

  #kill(signal: NodeJS.Signals): void {
    if (!this.#alive || this.#group === 0) return;
    try {
      process.kill(-this.#group, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/** A process's group (proc(5), stat: the fifth field; the second, the name, may hold anything). */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined; // It has ended, or there is no /proc.
  }
}
