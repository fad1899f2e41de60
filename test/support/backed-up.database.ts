import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedDatabase } from '../../sandbox/database/embedded.database.js';
import { startDatabase } from '../../sandbox/database/embedded.database.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { serverAccount } from '../../sandbox/database/server.account.js';

/**
 * What is put in the place of a lost server: the base backup as it was when it was taken; with the segments that were
 * archived since; or with the last one too, which nobody had archived yet.
 */
export type RestoredTo = 'backup' | 'archive' | 'last commit';

/** What belongs to the server that runs, and to no copy of it (PostgreSQL, "Making a Base Backup Using the Low Level API"). */
const NOT_COPIED = ['postmaster.pid', 'postmaster.opts', 'server.log', 'pg_wal', 'pg_replslot'];

/** The machine itself does not go down in a rehearsal, and nobody waits for what tidies up. */
const QUICK = { fsync: 'off', autovacuum: 'off' };

/**
 * A PostgreSQL that archives its WAL, backed up and restored as managed databases do it: by the functions of SQL, copies
 * of files and `restore_command`, with no program but the server itself.
 */
export class BackedUpDatabase {
  private readonly account = serverAccount();
  private restored = 0;

  private constructor(
    private readonly folder: string,
    readonly server: EmbeddedDatabase,
  ) {}

  /** @param folder an empty one, which who calls removes; PostgreSQL's account can walk to it. */
  static async start(folder: string): Promise<BackedUpDatabase> {
    chmodSync(folder, 0o755);
    const archive = join(folder, 'archive');
    const { uid, gid } = serverAccount();
    mkdirSync(archive, { mode: 0o700 });
    chownSync(archive, uid, gid);
    const server = await startDatabase({
      dataDir: join(folder, 'first'),
      settings: {
        wal_level: 'replica',
        archive_mode: 'on',
        archive_command: `test ! -f ${archive}/%f && cp %p ${archive}/%f`,
        ...QUICK,
      },
    });
    return new BackedUpDatabase(folder, server);
  }

  /** A base backup of the server while it goes on. */
  async backUp(): Promise<void> {
    const to = join(this.folder, 'backup');
    // The same connection begins and ends it: PostgreSQL gives a backup up whose connection was lost.
    await asAdmin(this.server.adminUrl, async (client) => {
      await client.query(`SELECT pg_backup_start('rehearsal', fast => true)`);
      const from = join(this.folder, 'first', 'data');
      this.copy(from, to, NOT_COPIED);
      const { rows } = await client.query<{ labelfile: string }>(
        'SELECT labelfile FROM pg_backup_stop(wait_for_archive => true)',
      );
      writeFileSync(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
    });
  }

  /** Has what was committed so far archived: a segment is only when it is full, or when somebody says so. */
  async archive(): Promise<void> {
    await asAdmin(this.server.adminUrl, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        'SELECT pg_walfile_name(pg_switch_wal()) AS name',
      );
      const file = join(this.folder, 'archive', rows[0]?.name ?? '');
      const until = Date.now() + 10_000;
      while (!existsSync(file)) {
        if (Date.now() > until) throw new Error(`${file} is not archived`);
        await client.query('SELECT pg_sleep(0.02)');
      }
    });
  }

  /** The server dies in the middle of its work, and its disk with it but for the WAL. */
  async lose(): Promise<void> {
    const data = join(this.folder, 'first', 'data');
    process.kill(
      Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]),
      'SIGQUIT',
    );
    await this.server.stop();
    this.copy(join(data, 'pg_wal'), join(this.folder, 'wal'));
    rmSync(data, { recursive: true });
  }

  /**
   * One more server, made of the backup. It archives nothing: others are made of the same archive. The backup alone is
   * still looked at: it takes no writes before {@link BackedUpDatabase.promote}.
   */
  async restore(to: RestoredTo): Promise<EmbeddedDatabase> {
    const dataDir = join(this.folder, `restored-${this.restored++}`);
    const data = join(dataDir, 'data');
    mkdirSync(dataDir, { mode: 0o711 });
    this.copy(join(this.folder, 'backup'), data);
    const wal = join(data, 'pg_wal');
    if (to === 'last commit') this.copy(join(this.folder, 'wal'), wal);
    for (const folder of [wal, join(data, 'pg_replslot')]) {
      this.place(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    }
    const signal = join(data, 'recovery.signal');
    this.place(signal, () => writeFileSync(signal, ''));
    const password = join(dataDir, 'password');
    this.place(password, () => copyFileSync(join(this.folder, 'first', 'password'), password));
    const target = { recovery_target: 'immediate', recovery_target_action: 'pause' };
    return startDatabase({
      dataDir,
      settings: {
        restore_command: `cp ${join(this.folder, 'archive')}/%f %p`,
        ...QUICK,
        ...(to === 'backup' ? target : {}),
      },
    });
  }

  /** Has a restored server take writes: at once, or as soon as it has no more to do again. */
  async promote({ adminUrl }: EmbeddedDatabase): Promise<void> {
    await asAdmin(adminUrl, async (client) => {
      const isPaused = `pg_is_in_recovery() AND pg_is_wal_replay_paused()`;
      await client.query(`SELECT pg_wal_replay_resume() WHERE ${isPaused}`);
      const until = Date.now() + 20_000;
      for (let is = true; is;) {
        if (Date.now() > until) throw new Error('the server is in recovery for too long');
        const { rows } = await client.query<{ is: boolean }>(
          'SELECT pg_is_in_recovery() AS "is" FROM pg_sleep(0.02)',
        );
        is = rows[0]?.is ?? true;
      }
    });
  }

  /** Copies a file, or a folder with all in it, for PostgreSQL's account, which takes no files but its own. */
  private copy(from: string, to: string, but: readonly string[] = []): void {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    this.giveAway(to);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (but.includes(entry.name)) continue;
      if (entry.isDirectory()) this.copy(source, target);
      // What a server that runs takes away meanwhile is not missed: the WAL says what became of it.
      else if (existsSync(source)) this.place(target, () => copyFileSync(source, target));
    }
  }

  private place(path: string, make: () => void): void {
    make();
    this.giveAway(path);
  }

  private giveAway(path: string): void {
    const { uid, gid, isOther } = this.account;
    if (isOther) chownSync(path, uid, gid);
  }
}
