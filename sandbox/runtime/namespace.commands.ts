import { enterScript, forkScript, guardScript, setupScript } from './container.scripts.js';
import type { MachineTools } from './machine.tools.js';

/** What the command of a container, or of an exec into one, runs as. */
export interface Program {
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  tty: boolean;
  runAsUser: number;
}

/** Where the namespaces' descriptors are in the launched process: the numbers of `Launch.namespaces`. */
export const namespaceNumbers = { mount: 4, uts: 5, pid: 6, user: 7, ownUser: 8 } as const;
const { mount, uts, pid, user, ownUser } = namespaceNumbers;
const descriptor = (number: number): string => `/proc/self/fd/${number}`;

// containerd's default set without MKNOD: no device cgroup stands between a container here and the machine's disks.
const capabilities = [
  ...['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap'],
  ...['net_bind_service', 'net_raw', 'sys_chroot', 'audit_write', 'setfcap'],
];

/** The command lines around containers, from the outermost program inwards. */
export class NamespaceCommands {
  constructor(
    private readonly tools: MachineTools,
    /** True when an ordinary user's containers live in a user namespace that the runtime made. */
    readonly inUserNamespace: boolean,
  ) {}

  /** A container's main process: number 1 of a new PID namespace, or one more in the namespace at `pid`. */
  start(container: {
    program: Program;
    hostname: string;
    buildRoot: string;
    sharesPid: boolean;
  }): [string, ...string[]] {
    const { nsenter, unshare, sh } = this.tools;
    const { program, hostname, buildRoot, sharesPid } = container;
    return [
      ...this.#guard(),
      ...(sharesPid ? [nsenter, '--no-fork', `--pid=${descriptor(pid)}`] : [unshare, '--pid']),
      ...this.#fork(),
      ...[unshare, '--mount', '--uts'],
      ...[sh, '-c', setupScript(buildRoot), 'hallpass', hostname],
      ...(this.#mapsUser(program)
        ? [unshare, '--user', `--map-user=${program.runAsUser}`, '--map-group=0']
        : []),
      ...this.#enter(program),
    ];
  }

  /** One more process in a container: the namespaces at `mount`, `uts`, `pid`, and `ownUser` where it has one. */
  exec(program: Program): [string, ...string[]] {
    const { nsenter } = this.tools;
    return [
      ...this.#guard(),
      ...[nsenter, '--no-fork', `--pid=${descriptor(pid)}`],
      ...this.#fork(),
      ...[nsenter, '--no-fork', `--mount=${descriptor(mount)}`, `--uts=${descriptor(uts)}`],
      ...(this.#mapsUser(program) ? this.#enterUser(ownUser) : []),
      ...this.#enter(program),
    ];
  }

  /** True when a container has a user namespace of its own: an ordinary user has no other way to be somebody else. */
  #mapsUser(program: Program): boolean {
    return this.inUserNamespace && program.runAsUser !== 0;
  }

  // Entering a user namespace forgets the signal to die with the parent, so that is asked for after it.
  #guard(): [string, ...string[]] {
    const { setpriv, sh } = this.tools;
    const guard = ['--pdeathsig', 'KILL', sh, '-c', guardScript, 'hallpass', `${process.pid}`];
    const [first = '', ...rest] = this.inUserNamespace ? this.#enterUser(user) : [];
    return first === '' ? [setpriv, ...guard] : [first, ...rest, setpriv, ...guard];
  }

  // Its parent stays in the machine's mount namespace: it must outlive the sweep of the container's, to see its end.
  #fork(): string[] {
    const { sh, setpriv } = this.tools;
    return [sh, '-c', forkScript, 'hallpass', setpriv, '--pdeathsig', 'KILL'];
  }

  #enterUser(number: number): string[] {
    const { nsenter } = this.tools;
    return [nsenter, '--no-fork', `--user=${descriptor(number)}`, '--preserve-credentials'];
  }

  #enter(program: Program): string[] {
    const { setpriv, setsid, env, sh } = this.tools;
    const [name = '', ...args] = program.command;
    const identity = this.inUserNamespace
      ? []
      : [`--reuid=${program.runAsUser}`, '--regid=0', '--clear-groups'];
    const bounds = `-all,${capabilities.map((each) => `+${each}`).join(',')}`;
    const variables = Object.entries({ ...defaults(program), ...program.env });
    return [
      ...[setpriv, '--pdeathsig=KILL', ...identity, '--inh-caps=-all', `--bounding-set=${bounds}`],
      // Not /bin/sh, which is the container's: its root may put another program there, and an exec still has to begin.
      ...[sh, '-c', enterScript, 'hallpass'],
      ...[program.env['PATH'] ?? defaultPath, name],
      ...(program.tty ? [setsid, '--ctty'] : []),
      ...[env, '-i', ...variables.map(([key, value]) => `${key}=${value}`)],
      ...[name, ...args],
    ];
  }
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function defaults(program: Program): Record<string, string> {
  return {
    PATH: defaultPath,
    HOME: program.runAsUser === 0 ? '/root' : '/',
    ...(program.tty ? { TERM: 'xterm' } : {}),
  };
}
