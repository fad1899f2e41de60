import pg from 'pg';
import { Journal } from '../../app/ports/journal.js';
import { SessionNews } from '../../app/ports/session.news.js';
import { parseSessionId } from '../../domain/session/session.js';
import type { SessionId } from '../../domain/session/session.js';
import {
  NEWS_CHANNEL,
  POLICY_NEWS_CHANNEL,
  PRESENCE_CHANNEL,
  RECORDING_CHANNEL,
} from './session.sql.js';

/** So many pieces of news are remembered as told; what is older is told twice, which does no harm. */
const TOLD_MAX = 1_000;
/** What happens to sessions beside their steps. */
const SIDE_CHANNELS = [PRESENCE_CHANNEL, RECORDING_CHANNEL] as const;
const RECONNECT_FIRST_MS = 200;
const RECONNECT_LONGEST_MS = 5_000;

/** News of sessions, of policy sets and of watchers by LISTEN/NOTIFY, on a connection of its own that is made again whenever it breaks. */
export class PrismaSessionNews extends SessionNews {
  private readonly listeners = new Set<(id: SessionId, version: number) => void>();
  private readonly policyListeners = new Set<() => void>();
  private readonly sideListeners = {
    [PRESENCE_CHANNEL]: new Set<(id: SessionId) => void>(),
    [RECORDING_CHANNEL]: new Set<(id: SessionId) => void>(),
  };
  /** What was told, by whichever came first: the writer here, or the database's own news of it. */
  private readonly told = new Set<string>();
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private waitMs = RECONNECT_FIRST_MS;
  private closed = false;

  constructor(
    private readonly url: string | (() => string),
    private readonly journal: Journal,
  ) {
    super();
  }

  subscribe(heard: (id: SessionId, version: number) => void): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  /** Calls `heard` when another policy set was put in force, until the returned function is called. */
  subscribePolicies(heard: () => void): () => void {
    this.policyListeners.add(heard);
    return () => this.policyListeners.delete(heard);
  }

  /** Calls `heard` when somebody began or ended watching a session, until the returned function is called. */
  subscribePresence(heard: (id: SessionId) => void): () => void {
    return this.subscribeTo(PRESENCE_CHANNEL, heard);
  }

  /** Calls `heard` when a recording of a session began, grew or ended, until the returned function is called. */
  subscribeRecordings(heard: (id: SessionId) => void): () => void {
    return this.subscribeTo(RECORDING_CHANNEL, heard);
  }

  /** Tells at once of what this replica has just written, where the database's news of it was not quicker. */
  written(id: SessionId, version: number): void {
    if (this.isFirst(`${id} ${version}`)) for (const heard of this.listeners) heard(id, version);
  }

  /** Begins to listen. Does not fail: where the database is not there yet, it is tried again. */
  async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: typeof this.url === 'string' ? this.url : this.url(),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'hallpass news',
    });
    client.on('error', (error) => this.broken(client, error));
    client.on('end', () => this.broken(client));
    client.on('notification', ({ channel, payload }) => this.tell(channel, payload));
    this.client = client;
    try {
      await client.connect();
      await client.query(
        [NEWS_CHANNEL, POLICY_NEWS_CHANNEL, ...SIDE_CHANNELS]
          .map((channel) => `LISTEN ${channel}`)
          .join('; '),
      );
      this.waitMs = RECONNECT_FIRST_MS;
    } catch (error) {
      this.broken(client, error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    await this.client?.end().catch(() => undefined);
  }

  private subscribeTo(
    channel: (typeof SIDE_CHANNELS)[number],
    heard: (id: SessionId) => void,
  ): () => void {
    const listeners = this.sideListeners[channel];
    listeners.add(heard);
    return () => listeners.delete(heard);
  }

  private tell(channel: string, payload = ''): void {
    if (channel === POLICY_NEWS_CHANNEL) {
      for (const heard of this.policyListeners) heard();
      return;
    }
    const [text = '', version = ''] = payload.split(' ');
    const id = parseSessionId(text);
    if (!id) return;
    const side = SIDE_CHANNELS.find((it) => it === channel);
    if (side) {
      for (const heard of this.sideListeners[side]) heard(id);
      return;
    }
    if (!this.isFirst(payload)) return;
    for (const heard of this.listeners) heard(id, Number(version));
  }

  /** Each version of a session is written once, so that its news come once from each side at most. */
  private isFirst(news: string): boolean {
    if (this.told.delete(news)) return false;
    this.told.add(news);
    const [oldest] = this.told;
    if (this.told.size > TOLD_MAX && oldest !== undefined) this.told.delete(oldest);
    return true;
  }

  private broken(client: pg.Client, error?: unknown): void {
    if (this.closed || this.client !== client) return;
    this.client = undefined;
    // News that were on their way are lost.
    this.told.clear();
    this.journal.warn(
      { err: error },
      'the connection that listens for news broke: it is made again',
    );
    client.end().catch(() => undefined);
    this.retry = setTimeout(() => void this.open(), this.waitMs);
    this.waitMs = Math.min(this.waitMs * 2, RECONNECT_LONGEST_MS);
  }
}
