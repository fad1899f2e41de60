import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { holderOf, releaseFolder, takeFolder } from './folder.lock.js';
import { isLiving } from './process.life.js';
import { canReach, reachableTmpdir } from './server.account.js';
import type { ServerAccount } from './server.account.js';

const THROW_AWAY = 'hallpass-postgres-run-';

/**
 * What one server lives in: `data` (the account's own), the superuser's `password`, and the lock of the process that
 * uses it. The folder itself is ours; another account can walk through it and no more.
 */
export class ServerFolder {
  readonly data: string;
  readonly passwordFile: string;

  private constructor(
    readonly path: string,
    private readonly account: ServerAccount,
    readonly isThrowAway: boolean,
  ) {
    this.data = join(path, 'data');
    this.passwordFile = join(path, 'password');
    takeFolder(path);
  }

  /** A folder of its own, which is removed when the server ends. */
  static throwAway(account: ServerAccount): ServerFolder {
    const parent = reachableTmpdir(account);
    removeStale(parent);
    const path = mkdtempSync(join(parent, THROW_AWAY));
    chmodSync(path, modeFor(account));
    return new ServerFolder(path, account, true);
  }

  /**
   * A folder that stays. Where the account cannot walk to it, one in the temporary folder stands for it.
   *
   * @throws {FolderInUseError}
   */
  static lasting(account: ServerAccount, wanted: string): ServerFolder {
    const path = reachableFolder(account, resolve(wanted));
    return new ServerFolder(path, account, false);
  }

  /**
   * Makes what `initdb` needs: the password's file and an empty folder. What it makes of the folder counts only once
   * `settle` is called, so that a set-up that was killed is begun anew. Undefined where there is a database already.
   */
  prepare(): { readonly partial: string; settle(): void } | undefined {
    if (existsSync(this.data)) {
      if (existsSync(this.passwordFile)) return undefined;
      throw new Error(
        `${this.data} was not made by this program: use another folder for the database.`,
      );
    }
    const partial = `${this.data}.partial`;
    rmSync(partial, { recursive: true, force: true });
    rmSync(this.passwordFile, { force: true });
    mkdirSync(partial, { mode: 0o700 });
    const password = randomBytes(24).toString('base64url');
    writeFileSync(this.passwordFile, password, { mode: 0o400, flag: 'wx' });
    if (this.account.isOther) {
      chownSync(partial, this.account.uid, this.account.gid);
      chownSync(this.passwordFile, this.account.uid, this.account.gid);
    }
    return { partial, settle: () => renameSync(partial, this.data) };
  }

  password(): string {
    return readFileSync(this.passwordFile, 'utf8');
  }

  /** Lets others use it, or removes it. */
  release(): void {
    if (this.isThrowAway) rmSync(this.path, { recursive: true, force: true });
    else releaseFolder(this.path);
  }
}

/** Folders of servers whose process was killed. The server's own watch has stopped it; some files were left. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent).filter((it) => it.startsWith(THROW_AWAY))) {
    const path = join(parent, name);
    const holder = holderOf(path);
    if (!holder || isLiving(holder)) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Another user's: theirs to remove.
    }
  }
}

function reachableFolder(account: ServerAccount, wanted: string): string {
  mkdirSync(wanted, { recursive: true, mode: modeFor(account) });
  const path = realpathSync(wanted);
  // Through a folder that we made under a narrow umask too.
  if (account.isOther && readdirSync(path).length === 0) chmodSync(path, modeFor(account));
  if (canReach(account, path)) return path;
  if (readdirSync(path).length === 0) rmdirSync(path);
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const standIn = join(reachableTmpdir(account), `hallpass-postgres-${name}`);
  mkdirSync(standIn, { recursive: true });
  // Anybody may have made a folder of that name there.
  const { uid } = lstatSync(standIn);
  if (!lstatSync(standIn).isDirectory() || uid !== process.getuid?.()) {
    throw new Error(
      `${standIn} belongs to somebody else: remove it, or use another folder for the database.`,
    );
  }
  chmodSync(standIn, modeFor(account));
  return standIn;
}

function modeFor(account: ServerAccount): number {
  return account.isOther ? 0o711 : 0o700;
}
