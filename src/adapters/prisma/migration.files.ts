import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One folder of `prisma/migrations`. */
export interface MigrationFile {
  /** The folder's name; they are applied in the order of their names. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file in hexadecimal, as Prisma keeps it. */
  readonly checksum: string;
}

const SCRIPT = 'migration.sql';

/** The migrations of a folder in the order in which they are applied, as Prisma reads them: each is a folder of one script. */
export async function readMigrations(migrationsDir: string): Promise<readonly MigrationFile[]> {
  const entries = await readdir(migrationsDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort(byBytes).map(async (name) => {
      const sql = await readFile(join(migrationsDir, name, SCRIPT), 'utf8');
      return { name, sql, checksum: sha256(sql) };
    }),
  );
}

/** Whether the checksum is that of this script; line endings may differ, as they may for Prisma. */
export function isChecksumOf(checksum: string, { sql }: MigrationFile): boolean {
  const unix = sql.replaceAll('\r\n', '\n');
  return [sql, unix, unix.replaceAll('\n', '\r\n')].some((text) => sha256(text) === checksum);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The order of names must not hang on the machine's language. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
