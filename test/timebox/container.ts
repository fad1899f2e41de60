import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { Duplex } from 'node:stream';
import type { Namespaces, Person } from './namespaces.js';
import { as, namespaceOf, userNamespace } from './namespaces.js';

/**
 * Starts a command as a child that may be in another PID namespace and has a session of its own, tells its number here,
 * and exits as it does.
 */
const FORK = `exec 5<&0
setsid "$@" <&5 5<&- &
echo "pid $!" >&4
exec 4>&- 5<&- </dev/null
wait $!`;

/**
 * The last step of a main process: it waits for a line. What it runs may KILL all of its mount namespace, so it runs
 * nothing in one of those named.
 */
const GUARD = `[ "$1" = own ] && { mount -t proc proc /proc || exit 98; }
named=$2; shift 2
here=$(readlink /proc/self/ns/mnt)
case $here,$named in
  mnt:*,*"$here"*|,*) echo "refused: not a fresh mount namespace" >&2; exit 99;;
esac
echo "in $here $(readlink /proc/self/ns/pid)" >&4
read -r go <&4 && exec "$@" 4>&-`;

export interface Ended {
  /** 128 + signal where a signal ended it. */
  readonly exitCode: number;
  readonly atMs: number;
  readonly output: string;
}

interface Entered {
  /** Its number on this machine. */
  readonly pid: number;
  /** Its namespaces. */
  readonly mount: string;
  readonly pids: string;
}

const ENTERED = /in (?<mount>mnt:\S+) (?<pids>pid:\S+) pid (?<pid>\d+)$/;

/** A running command. */
export class Running {
  readonly ended: Promise<Ended>;
  output = '';
  private readonly channel: Duplex;

  constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => {
      child.once('error', (error) =>
        resolve({ exitCode: -1, atMs: performance.now(), output: String(error) }),
      );
      child.once('exit', (code) => {
        resolve({ exitCode: code ?? -1, atMs: performance.now(), output: this.output });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    const channel = child.stdio[4];
    if (!(channel instanceof Duplex)) throw new Error('a command without its channel');
    this.channel = channel;
    // Writing to what has just ended is no failure of a test.
    for (const stream of [child.stdin, channel]) stream?.on('error', () => undefined);
  }

  /** Resolves when a main process is in its namespaces and waits there; rejects where it never gets there. */
  entered(): Promise<Entered> {
    return new Promise((resolve, reject) => {
      let said = '';
      this.channel.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const { pid, mount, pids } = ENTERED.exec(said.split('\n').sort().join(' '))?.groups ?? {};
        if (pid !== undefined && mount !== undefined && pids !== undefined) {
          resolve({ pid: Number(pid), mount, pids });
        }
      });
      void this.ended.then(({ exitCode, output }) =>
        reject(new Error(`a command did not start (${exitCode}): ${said}${output}`)),
      );
    });
  }

  /** Lets a main process go on that waits. */
  begin(): void {
    this.channel.write('begin\n');
  }

  /** Writes an empty line to its standard input, as the broker does by attach. */
  writeLine(): void {
    this.child.stdin?.write('\n');
  }

  closeInput(): void {
    this.child.stdin?.end();
  }
}

function launch(command: readonly string[]): Running {
  const [program = '', ...args] = command;
  // A process group of its own, as a container has: what is typed at the terminal of the tests is not for it.
  return new Running(
    spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
      detached: true,
      env: { PATH: SYSTEM_PATH },
    }),
  );
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The namespaces of a container, kept open: who enters by number may find another process's, and the kernel gives the
 * number of a namespace that is gone to the next.
 */
class HeldNamespaces {
  private readonly open: readonly (readonly [string, number])[];

  constructor(pid: number, { inUserNamespace }: Namespaces) {
    const kinds = ['mnt', 'pid', ...(inUserNamespace ? ['user'] : [])];
    this.open = kinds.map((kind) => [kind, openSync(`/proc/${pid}/ns/${kind}`, 'r')]);
  }

  /** The command line before a command that is to be run in them. */
  enter(): string[] {
    const options: Readonly<Record<string, string>> = { mnt: 'mount', pid: 'pid', user: 'user' };
    return [
      ...['nsenter', '--no-fork', '--preserve-credentials'],
      ...this.open.map(([kind, file]) => `--${options[kind]}=/proc/${process.pid}/fd/${file}`),
    ];
  }

  close(): void {
    for (const [, file] of this.open) closeSync(file);
  }
}

interface ContainerSettings {
  readonly namespaces: Namespaces;
  readonly person: Person;
  readonly command: readonly string[];
  /** The environment of the command; its PATH is that of the image. */
  readonly env?: Readonly<Record<string, string>>;
  /** A container whose PID namespace this one joins. */
  readonly target?: Container;
}

/**
 * A container as the time-box knows it: a main process in a mount namespace of its own, in a PID namespace of its own
 * or in that of another container, and whatever is started in it by exec. No root file system of its own, no cgroup:
 * when the main process ends nobody cleans up after it, so that what a test finds is the time-box's own doing.
 */
export class Container {
  /** The main process's number on this machine. */
  readonly pid: number;
  readonly startedAtMs: number;
  private readonly held: HeldNamespaces;

  private constructor(
    readonly main: Running,
    private readonly entered: Entered,
    private readonly settings: ContainerSettings,
  ) {
    this.pid = entered.pid;
    this.held = new HeldNamespaces(this.pid, settings.namespaces);
    this.startedAtMs = performance.now();
    main.begin();
  }

  static async start(settings: ContainerSettings): Promise<Container> {
    const { namespaces, person, target } = settings;
    const host = mountNamespaceOfTests();
    const main = launch([
      ...(target === undefined
        ? ['unshare', ...userNamespace(namespaces), '--pid']
        : target.held.enter()),
      ...['sh', '-c', FORK, 'fork', 'unshare', '--mount'],
      ...['sh', '-c', GUARD, 'guard', target ? 'shared' : 'own'],
      [host, target?.entered.mount].filter(Boolean).join(' '),
      ...as(person, namespaces),
      ...withEnvironment(settings.env, settings.command),
    ]);
    return new Container(main, await main.entered(), settings);
  }

  /** Runs a command in the container, as the runtime does for an exec. */
  exec(command: readonly string[]): Running {
    const { namespaces, person, env } = this.settings;
    return launch([
      ...this.held.enter(),
      ...['sh', '-c', FORK, 'fork'],
      ...as(person, namespaces),
      ...withEnvironment(env, command),
    ]);
  }

  /** The processes that are in the container now, as this machine numbers them. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter(
        (pid) =>
          namespaceOf(pid, 'mnt') === this.entered.mount &&
          // Who waits outside for an exec to end is in the mount namespace, but not in the container.
          namespaceOf(pid, 'pid') === this.entered.pids,
      );
  }

  /** What is in the container now, in words. */
  remains(): string[] {
    return this.processes().map((pid) =>
      ['Name', 'State', 'Pid', 'PPid', 'Uid'].map((field) => statusOf(pid, field)).join(', '),
    );
  }

  /** Ends what is left, so that a failed test leaves nothing on the machine. */
  async destroy(): Promise<void> {
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      for (const pid of left) signal(pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.main.closeInput();
    await this.main.ended;
    this.held.close();
  }
}

function withEnvironment(
  env: Readonly<Record<string, string>> | undefined,
  command: readonly string[],
): string[] {
  const pairs = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
  // What is ignored cannot be trapped, and a shell without job control has its background processes ignore INT.
  return ['env', '--default-signal', ...pairs, ...command];
}

function mountNamespaceOfTests(): string {
  const name = namespaceOf('self', 'mnt');
  if (name === undefined) throw new Error('this machine does not tell its mount namespace');
  return name;
}

/** One field of /proc/PID/status; undefined for a process that is gone. */
export function statusOf(pid: number, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )?.[1];
  } catch {
    return undefined;
  }
}

/** Sends a signal; to a process that is gone, none. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Waits for a condition, looking 50 times a second, and names it when it does not come. */
export async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const giveUp = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > giveUp) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
