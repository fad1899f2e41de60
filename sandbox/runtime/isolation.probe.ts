import { IsolatedContainer } from './isolated.container.js';
import { Isolation } from './isolation.js';
import { findTools } from './machine.tools.js';

export interface IsolationFound {
  /** Undefined: the machine does not allow it, and the note says what to do. */
  isolation: Isolation | undefined;
  note: string;
}

const consequence =
  'Containers are not separated from this machine: applications run as plain processes, and debug containers are refused, because what ends them could end processes of yours.';

// Number 1, alone, and with a file system of its own; then input has to reach it.
const probe = '[ $$ = 1 ] && [ -e /proc/1/stat ] && [ ! -e /.machine ] && read -r line && exit 42';

/** Tries a container and an exec into it, first with the rights there are, then in a user namespace. */
export async function tryIsolation(wanted: string | undefined): Promise<IsolationFound> {
  if (wanted === 'none') {
    return without(
      'HALLPASS_SANDBOX_ISOLATION is "none": unset it to let containers have namespaces.',
    );
  }
  if (process.platform !== 'linux') {
    return without(
      `Namespaces are a part of Linux, and this is ${process.platform}: use a Linux machine, a virtual one or a privileged container.`,
    );
  }
  const tools = findTools();
  if ('missing' in tools) {
    return without(
      `Programs are missing: ${tools.missing.join(', ')}. Install util-linux and coreutils (on Alpine: apk add util-linux coreutils).`,
    );
  }
  const complaints: string[] = [];
  for (const as of process.getuid?.() === 0 ? (['root', 'user'] as const) : (['user'] as const)) {
    try {
      const isolation = await Isolation.open(tools, as);
      try {
        await tryContainer(isolation);
        return { isolation, note: noteFor(as) };
      } catch (error) {
        isolation.close();
        throw error;
      }
    } catch (error) {
      complaints.push(error instanceof Error ? error.message : String(error));
    }
  }
  return without(
    `This machine does not let this user make namespaces (${complaints.join('; ')}). Run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0); in Docker use --privileged.`,
  );
}

async function tryContainer(isolation: Isolation): Promise<void> {
  const container = await IsolatedContainer.start(
    isolation,
    {
      id: 'probe',
      image: '',
      command: ['/bin/sh', '-c', probe],
      env: {},
      stdin: true,
      tty: false,
    },
    undefined,
  );
  try {
    const exec = await container.exec({
      command: ['/bin/sh', '-c', '[ -e /proc/1/stat ] && exit 43'],
      stdin: false,
      tty: false,
    });
    exec.listen(() => undefined);
    const entered = await exec.exited;
    await container.input?.write(Buffer.from('go\n'));
    const { exitCode } = await container.exited;
    if (exitCode !== 42 || entered !== 43) {
      throw new Error(`a trial container ended with ${exitCode}: ${container.log().toString()}`);
    }
  } finally {
    await container.stop(0);
  }
}

function noteFor(as: 'root' | 'user'): string {
  const who =
    as === 'root'
      ? "with a container runtime's usual capabilities"
      : 'in a user namespace, where every user of theirs is you';
  return `Containers have mount, PID and host-name namespaces of their own, ${who}. Their root file system is their own; programs are this machine's, mounted read-only. They share this machine's network, memory and CPU without limits.`;
}

function without(reason: string): IsolationFound {
  return { isolation: undefined, note: `${reason} ${consequence}` };
}
