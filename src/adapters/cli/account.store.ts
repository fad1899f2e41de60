import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { trouble } from './command.failure.js';

/** What is kept of one sign-in. */
const Account = z.object({
  server: z.string(),
  caFile: z.string().optional(),
  issuer: z.string(),
  clientId: z.string(),
  resource: z.string().nullable(),
  accessToken: z.string(),
  /** When the access token expires, in milliseconds since 1970. */
  expiresAtMs: z.number(),
  refreshToken: z.string().optional(),
});
export type Account = z.infer<typeof Account>;

const Current = z.object({ server: z.string() });

const LOCK_STALE_MS = 30_000;
const LOCK_WAIT_MS = 50;
const OWNER_ONLY = 0o600;

/**
 * Who is signed in where: a file for each broker, which its owner alone may read, in a folder of theirs. What others may
 * read is not used.
 */
export class AccountStore {
  constructor(private readonly folder: string) {}

  /** The broker that was signed in to last. */
  async current(): Promise<string | undefined> {
    return (await this.read(join(this.folder, 'current.json'), Current))?.server;
  }

  async find(server: string): Promise<Account | undefined> {
    return this.read(this.fileOf(server), Account);
  }

  /** Keeps an account, and makes its broker the current one. */
  async keep(account: Account): Promise<void> {
    await this.update(account);
    await this.write(join(this.folder, 'current.json'), { server: account.server });
  }

  /** Keeps an account whose tokens are new. */
  async update(account: Account): Promise<void> {
    await this.write(this.fileOf(account.server), account);
  }

  /** @returns whether there was one. */
  async forget(server: string): Promise<boolean> {
    const known = await this.find(server);
    await rm(this.fileOf(server), { force: true });
    return known !== undefined;
  }

  /** Does something while no other process does it for this broker: a refresh token may be good for one use. */
  async alone<T>(server: string, act: () => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const lock = `${this.fileOf(server)}.lock`;
    await taken(lock);
    try {
      return await act();
    } finally {
      await rm(lock, { force: true });
    }
  }

  private fileOf(server: string): string {
    const { host } = new URL(server);
    const mark = createHash('sha256').update(server).digest('hex').slice(0, 12);
    return join(this.folder, `${host.replaceAll(/[^a-z0-9.-]/g, '_')}-${mark}.json`);
  }

  private async read<T>(file: string, shape: z.ZodType<T>): Promise<T | undefined> {
    const facts = await stat(file).catch(missing);
    if (!facts) return undefined;
    // Windows has no such modes.
    if (process.platform !== 'win32' && (facts.mode & 0o077) !== 0) {
      throw trouble(
        `${file} holds tokens and can be read by others: sign out of what it names, or take the rights away with: chmod 600 ${file}`,
      );
    }
    const parsed = shape.safeParse(json(await readFile(file, 'utf8')));
    if (!parsed.success) throw trouble(`${file} cannot be read: remove it and sign in again.`);
    return parsed.data;
  }

  private async write(file: string, value: object): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // Under another name first: who reads at this moment reads the one before, whole.
    const fresh = `${file}.${process.pid}`;
    await rm(fresh, { force: true });
    await writeFile(fresh, `${JSON.stringify(value, null, 2)}\n`, { mode: OWNER_ONLY, flag: 'wx' });
    await rename(fresh, file);
  }
}

/** Makes the lock file; one that is older than anything takes is somebody's who died. */
async function taken(lock: string): Promise<void> {
  for (;;) {
    const made = await open(lock, 'wx', OWNER_ONLY).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      return undefined;
    });
    if (made) return made.close();
    const facts = await stat(lock).catch(missing);
    if (facts && Date.now() - facts.mtimeMs > LOCK_STALE_MS) await rm(lock, { force: true });
    else await pause(LOCK_WAIT_MS);
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function missing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
