import type pg from 'pg';

/** Runs `work` in a transaction (READ COMMITTED): each of its statements sees what others have committed before it. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Between two statements nobody else hears of it, and unheard it would end the process.
  const breaks = (error: Error) => (broken = error);
  client.on('error', breaks);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => {
      broken = new Error('a transaction could not be rolled back', { cause });
    });
    throw error;
  } finally {
    client.off('error', breaks);
    client.release(broken);
  }
}
