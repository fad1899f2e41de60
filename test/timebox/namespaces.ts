import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';

/**
 * Who a container's processes are. `ordinary` has no capabilities: another uid where the tests run as root; where they
 * do not, the same uid in a user namespace, stripped of its capabilities, which the kernel treats alike.
 */
export type Person = 'root' | 'ordinary';

/** How this machine lets us make namespaces. */
export interface Namespaces {
  /** In a user namespace, because we are not root (or are root without the right to make namespaces). */
  readonly inUserNamespace: boolean;
}

/** What containers are made with, and tried for here: util-linux, and `env` of coreutils 8.31 or later. */
const TOOLS = 'nsenter --version && setsid --version && env --default-signal true';

/** How namespaces are made here, or why they cannot be. Tries what the trial needs, mounting /proc included. */
export function findNamespaces(): Namespaces | { readonly missing: string } {
  let said = '';
  for (const inUserNamespace of [false, true]) {
    const namespaces = { inUserNamespace };
    const attempt = spawnSync(
      'unshare',
      [
        ...[...userNamespace(namespaces), '--pid', '--fork', '--mount', '--mount-proc'],
        ...[...as('ordinary', namespaces), 'sh', '-c', TOOLS],
      ],
      { encoding: 'utf8', timeout: 10_000 },
    );
    if (attempt.status === 0) return namespaces;
    said = attempt.error?.message ?? attempt.stderr.trim();
  }
  return { missing: `no PID and mount namespaces can be made here (${said})` };
}

export function userNamespace({ inUserNamespace }: Namespaces): string[] {
  return inUserNamespace ? ['--user', '--map-root-user'] : [];
}

/** The command line before a command that makes it that person's. */
export function as(person: Person, { inUserNamespace }: Namespaces): string[] {
  if (person === 'root') return [];
  const nobodyElse = ['--reuid=64123', '--regid=64123', '--clear-groups'];
  return [
    'setpriv',
    ...(inUserNamespace ? ['--bounding-set=-all'] : nobodyElse),
    '--inh-caps=-all',
    '--no-new-privs',
    '--',
  ];
}

/**
 * A mount namespace as the kernel names it, for example `mnt:[4026532177]`. Undefined for a process that has ended
 * (a zombie has none) or is somebody else's.
 */
export function namespaceOf(pid: number | 'self', kind: 'mnt' | 'pid'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}
