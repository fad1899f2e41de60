import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { Socket } from 'node:net';
import type { ProcessStreams } from './process.streams.js';

export interface Launch {
  command: readonly [string, ...string[]];
  /** Descriptors to pass on, by the number they get. */
  namespaces: Readonly<Partial<Record<4 | 5 | 6 | 7 | 8, number>>>;
  streams: ProcessStreams;
}

/** What went wrong before the command ran: in runc's words when the command itself was at fault. */
export class LaunchFailure extends Error {
  constructor(
    readonly refused: boolean,
    message: string,
  ) {
    super(message);
  }
}

/** A process on its way into a container. */
export class LaunchedProcess {
  /** The process as the machine numbers it; known for main processes only. */
  readonly pid: Promise<number>;
  /** Resolves when the command is about to run; rejects with a LaunchFailure when it will not. */
  readonly ready: Promise<void>;
  /** The exit code; 128 + the number of the signal that ended it. */
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  readonly #pipe: Socket;
  #said = '';

  constructor(launch: Launch) {
    const [program, ...args] = launch.command;
    const nothing = openSync('/dev/null', 'r');
    const stdio: (number | 'pipe' | 'ignore')[] = [...launch.streams.childEnds, 'pipe'];
    for (const number of [4, 5, 6, 7, 8] as const) {
      stdio[number] = launch.namespaces[number] ?? 'ignore';
    }
    for (const fd of inherited()) {
      for (let next = stdio.length; next < fd; next += 1) stdio[next] = 'ignore';
      if (fd >= 9) stdio[fd] = nothing;
    }
    // In a session of its own: Ctrl-C in the terminal of the one who started the sandbox is not for the containers.
    this.#child = spawn(program, args, { stdio, detached: true, cwd: '/', env: cleanEnvironment });
    closeSync(nothing);
    launch.streams.releaseChildEnds();
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#said += error.message;
        resolve(127);
      });
      this.#child.on('exit', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
      });
    });
    const pid = Promise.withResolvers<number>();
    const ready = Promise.withResolvers<undefined>();
    this.pid = pid.promise;
    this.ready = ready.promise;
    // Whoever waits for one of the two need not wait for the other.
    this.pid.catch(() => undefined);
    this.ready.catch(() => undefined);
    const pipe = this.#child.stdio[3];
    if (!(pipe instanceof Socket)) throw new Error('a child without the pipe it was given');
    this.#pipe = pipe;
    // What ends, or cannot be started, says so by its end.
    pipe.on('error', () => undefined);
    pipe.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      const number = /^pid (\d+)\n/m.exec(this.#said)?.[1];
      if (number !== undefined) pid.resolve(Number(number));
      if (/^ready\n/m.test(this.#said)) ready.resolve(undefined);
    });
    pipe.on('close', () => {
      pid.reject(this.#failure());
      ready.reject(this.#failure());
    });
  }

  /** A main process waits for this before it becomes the command. */
  proceed(): void {
    this.#pipe.write('go\n');
  }

  #failure(): LaunchFailure {
    const refused = /^refused (.*)$/ms.exec(this.#said)?.[1];
    const said = this.#said.replace(/^(pid \d+|ready)\n/gm, '').trim();
    return new LaunchFailure(refused !== undefined, refused ?? said);
  }
}

// The scripts before the command must not be moved by the container's LD_PRELOAD, ENV or PATH.
const cleanEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/**
 * Descriptors that every child of this process would get: the masters of other containers' terminals (the native
 * library does not mark them), and what this process was itself given. A container gets /dev/null in their place.
 */
function inherited(): number[] {
  const closesOnExec = 0o2000000;
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      return (Number.parseInt(flags ?? '0', 8) & closesOnExec) === 0 ? [Number(name)] : [];
    } catch {
      return []; // The descriptor that read the folder.
    }
  });
}
