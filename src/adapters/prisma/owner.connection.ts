import pg from 'pg';
import { refusal } from './migrate.report.js';
import type { MigrationRefusal } from './migrate.report.js';
import { sqlState } from './schema.state.js';

const CONNECT_TIMEOUT_MS = 10_000;
const SERVER_VERSION_MIN = 150_000;

/**
 * Connects as the owner, does the work and disconnects. What says that there is no database to work on (no connection,
 * a wrong password, a server older than PostgreSQL 15) comes back as a refusal; anything else is thrown.
 */
export async function asOwner<T>(
  ownerUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T | MigrationRefusal> {
  const client = new pg.Client({
    connectionString: ownerUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'hallpass migrate',
  });
  // A connection that breaks fails the query under way; unheard, its error would end the process as well.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    await client.end().catch(() => undefined);
    return refusal('unreachable', connectSentence(client, cause), { cause });
  }
  try {
    await settle(client);
    const version = await one(client, `SELECT current_setting('server_version_num')::int AS value`);
    if (Number(version) < SERVER_VERSION_MIN) {
      return refusal(
        'server-too-old',
        `Hallpass needs PostgreSQL 15 or later, and this is ${String(version)}.`,
      );
    }
    return await work(client);
  } catch (cause) {
    if (!isConnectionLost(cause)) throw cause;
    const sentence = `The connection to ${place(client)} broke: run this again once the database answers; what was under way was undone, or is settled by that.`;
    return refusal('unreachable', sentence, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Puts the session as Prisma has it, whatever a migration did to it. Locks of the session stay. */
export async function settle(client: pg.ClientBase): Promise<void> {
  await client.query(
    `RESET ROLE; RESET ALL; SET search_path TO public; SET statement_timeout TO 0;
     SET idle_in_transaction_session_timeout TO 0; SET lock_timeout TO '30s'`,
  );
}

/** The column `value` of the only row. */
export async function one(
  client: pg.ClientBase,
  text: string,
  values: unknown[] = [],
): Promise<unknown> {
  const { rows } = await client.query<{ value: unknown }>(text, values);
  if (rows.length !== 1) throw new Error(`${rows.length} rows, not 1, from: ${text}`);
  return rows[0]?.value;
}

export function isConnectionLost(error: unknown): boolean {
  const code = sqlState(error);
  return (
    /^(08|57P0)/.test(code) ||
    /^(ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code) ||
    (error instanceof Error &&
      /^(Connection terminated|Client has encountered a connection error)/.test(error.message))
  );
}

/** What to look at, by what PostgreSQL or the network said. */
const CONNECT_ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is PostgreSQL running?',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up at the moment',
  ETIMEDOUT: 'it does not answer',
  '28P01': 'the password is not accepted',
  '28000': 'the server does not let this role in',
  '3D000': 'there is no such database: create it with CREATE DATABASE … OWNER',
  '53300': 'it has no connection to spare',
  '57P03': 'it is starting or shutting down: try again in a moment',
};

function connectSentence(client: pg.Client, error: unknown): string {
  const advice = CONNECT_ADVICE[sqlState(error)] ?? (error instanceof Error ? error.message : '');
  return `The database cannot be reached at ${place(client)} as the role ${client.user ?? '(none)'}: ${advice}.`;
}

function place(client: pg.Client): string {
  return `${client.host}:${client.port}/${client.database ?? ''}`;
}
