import { readFileSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';

/** The account of the operating system that PostgreSQL runs as. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
  /** Whether it is another account than this process's. */
  readonly isOther: boolean;
}

/** In this order: one that is made for it, one that any system has. */
const PREFERRED = ['postgres', 'nobody'];

/**
 * Whom to run PostgreSQL as. It refuses to run as root, and initdb an account without a name (measured: 18.4, "could
 * not look up effective user ID"), so as root this is one of the accounts that the machine has; no account is made.
 *
 * @throws where root finds no account to become.
 */
export function serverAccount(): ServerAccount {
  const { uid, gid } = userInfo();
  if (uid !== 0) return { uid, gid, isOther: false };
  const others = accounts().filter((it) => it.uid !== 0);
  const chosen =
    PREFERRED.map((name) => others.find((it) => it.name === name)).find(Boolean) ?? others[0];
  if (!chosen) {
    throw new Error(
      'PostgreSQL refuses to run as root and /etc/passwd names no other account: run this as an ordinary user.',
    );
  }
  return { uid: chosen.uid, gid: chosen.gid, isOther: true };
}

/** What `spawn` needs to run a program as the account. */
export function spawnedAs({ uid, gid, isOther }: ServerAccount): { uid?: number; gid?: number } {
  return isOther ? { uid, gid } : {};
}

/**
 * Whether the account may walk to a path, by the permission bits of all folders on the way, and has the rights of
 * `bits` (4 read, 1 enter or execute) to what is there.
 */
export function canReach(account: ServerAccount, path: string, bits = 0o1): boolean {
  if (!account.isOther) return true;
  for (let at = resolve(path), needed = bits; ; at = dirname(at), needed = 0o1) {
    const { mode, uid, gid } = statSync(at);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    if (((mode >> shift) & needed) !== needed) return false;
    if (at === dirname(at)) return true;
  }
}

/** A folder for temporary files that the account can reach, though `TMPDIR` may lie in the home of root. */
export function reachableTmpdir(account: ServerAccount): string {
  const found = [tmpdir(), '/tmp', '/var/tmp'].find((folder) => {
    try {
      return canReach(account, folder);
    } catch {
      return false;
    }
  });
  if (found === undefined)
    throw new Error('There is no temporary folder that PostgreSQL can use: set TMPDIR.');
  return found;
}

function accounts(): { name: string; uid: number; gid: number }[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((it) => it.name !== '' && Number.isInteger(it.uid) && Number.isInteger(it.gid));
}
