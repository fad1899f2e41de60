import { z } from 'zod';
import type { Queryable } from './migrations.table.js';

const Writing = z.object({ inRecovery: z.boolean(), isReadOnly: z.boolean() });

/** What is in the way of writing, with what to do about it. */
export interface WriteBar {
  readonly seen: string;
  readonly advice: string;
}

/** Why nothing can be written through connections like this one; null where it can. */
export async function writeBar(db: Queryable): Promise<WriteBar | null> {
  const { rows } = await db.query(
    `SELECT pg_is_in_recovery() AS "inRecovery", current_setting('transaction_read_only') = 'on' AS "isReadOnly"`,
  );
  const { inRecovery, isReadOnly } = Writing.parse(rows[0]);
  if (inRecovery) {
    return {
      seen: 'it takes no writes: it is in recovery, as a standby is, or a server that is being restored',
      advice: 'wait until it is promoted, or name the primary in database.url',
    };
  }
  return isReadOnly
    ? {
        seen: 'it takes no writes: default_transaction_read_only is on',
        advice: 'switch it off for this role and database (ALTER ROLE … RESET)',
      }
    : null;
}
