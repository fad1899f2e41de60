import { SocketModeReceiver } from '@slack/bolt';
import type { App, Receiver } from '@slack/bolt';
import { WebAPIRateLimitedError } from '@slack/web-api';
import { pause } from '../../app/pause.js';
import type { Journal } from '../../app/ports/journal.js';
import type { Secret } from '../../config/secret.js';
import { textOf } from './slack.answer.js';
import { SILENT } from './slack.api.js';

const CALL_MS_MAX = 10_000;
/** So long may Slack take until it greets. */
const GREETING_MS_MAX = 20_000;
/** A connection that held for so long was a good one: the next is made at once. */
const STEADY_MS = 10_000;
const WAIT_MS_FIRST = 1_000;
const WAIT_MS_MAX = 30_000;
/** Slack may ask to be left alone for longer, and is asked again all the same. */
const LEFT_ALONE_MS_MAX = 120_000;

export interface SocketSettings {
  readonly appToken: Secret;
  readonly journal: Journal;
  /** Slack's own where left out. */
  readonly url?: string;
  /** How long after the first failure it is tried again; twice as long after each of the next, up to half a minute. */
  readonly waitMs?: number;
}

/**
 * The receiver that keeps a WebSocket to Slack: nothing of Hallpass needs to be reachable from outside. Bolt's own
 * receiver makes one connection and no other: what is made anew, when, and what is told of that is decided here, so that
 * nothing that Slack answers ends the process, and no outage makes it deaf for longer than the outage and half a minute.
 */
export class SlackSocket implements Receiver {
  private app: App | undefined;
  private readonly stopping = new AbortController();
  private readonly first = Promise.withResolvers<undefined>();
  private running: Promise<void> | undefined;
  private release: () => void = () => undefined;
  private isHeard = false;
  /** Why it is not connected, as it was told last; undefined where nothing was told since it was. */
  private told: string | undefined;
  /** Connections that did not come about, or did not hold, since one that did. */
  private strain = 0;

  constructor(private readonly settings: SocketSettings) {}

  /** Whether Slack can send to this replica. */
  get isConnected(): boolean {
    return this.isHeard;
  }

  init(app: App): void {
    this.app = app;
  }

  /** Done when it is connected for the first time, however long that takes, or is stopped. */
  async start(): Promise<void> {
    this.running ??= this.keep();
    await this.first.promise;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.first.resolve(undefined);
    this.release();
    await this.running;
  }

  private async keep(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const { promise: lost, resolve } = Promise.withResolvers<undefined>();
      this.release = () => resolve(undefined);
      const line = this.newLine(this.release);
      const leftAloneMs = await this.connect(line, lost);
      if (leftAloneMs === undefined) await this.hold(lost);
      abandon(line);
      await pause(Math.max(this.waitMs(), leftAloneMs ?? 0), signal);
    }
  }

  /** @returns undefined where Slack greeted; otherwise for how long it is to be left alone at least. */
  private async connect(
    line: SocketModeReceiver,
    lost: Promise<undefined>,
  ): Promise<number | undefined> {
    try {
      await greeted(line, lost);
      return undefined;
    } catch (error) {
      if (this.stopping.signal.aborted) return 0;
      this.strain = Math.max(2, this.strain + 1);
      this.tell(error);
      return leftAloneMsOf(error);
    }
  }

  private async hold(lost: Promise<undefined>): Promise<void> {
    const since = performance.now();
    this.isHeard = true;
    this.first.resolve(undefined);
    if (this.told !== undefined) {
      this.told = undefined;
      this.settings.journal.info({}, 'Slack is listened to again');
    }
    await lost;
    this.isHeard = false;
    this.strain = performance.now() - since < STEADY_MS ? this.strain + 1 : 0;
  }

  /** None after a good connection, nor after one that was short: Slack itself ends them to move its own machines. */
  private waitMs(): number {
    if (this.strain < 2) return 0;
    const { waitMs = WAIT_MS_FIRST } = this.settings;
    const longest = Math.min(WAIT_MS_MAX, waitMs * 2 ** Math.min(this.strain - 2, 20));
    // So that replicas that were cut off together do not come back together.
    return longest * (0.5 + Math.random() / 2);
  }

  /** Once for each reason, until it is connected again. */
  private tell(error: unknown): void {
    const why = textOf(error, 'message') ?? 'it was closed';
    if (why === this.told) return;
    this.told = why;
    this.settings.journal.warn({ why }, 'Slack cannot be listened to: it is tried again');
  }

  private newLine(onLost: () => void): SocketModeReceiver {
    const { appToken, url } = this.settings;
    const line = new SocketModeReceiver({
      appToken: appToken.reveal(),
      logger: SILENT,
      // Its own way of reconnecting has a rejection that nobody catches, and waits for minutes.
      autoReconnectEnabled: false,
      installerOptions: {
        clientOptions: {
          retryConfig: { retries: 0 },
          rejectRateLimitedCalls: true,
          timeout: CALL_MS_MAX,
          ...(url === undefined ? {} : { slackApiUrl: url }),
        },
      },
      customPropertiesExtractor: (sent) => ({ requestId: textOf(sent, 'envelope_id') }),
    });
    line.client.on('disconnected', onLost);
    if (this.app) line.init(this.app);
    return line;
  }
}

/** Done when Slack greets; throws where it does not, in time or before the line is lost. */
async function greeted(line: SocketModeReceiver, lost: Promise<undefined>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Slack did not greet in time')), GREETING_MS_MAX);
  const isLost = lost.then(() => Promise.reject(new Error('the connection was closed')));
  try {
    await Promise.race([line.start(), late, isLost]);
  } finally {
    clearTimeout(timer);
  }
}

/** Closes a line, whatever it is about to do; nobody waits for that. It may still be asking where to connect to. */
function abandon(line: SocketModeReceiver): void {
  const close = () => void line.stop().catch(() => undefined);
  line.client.on('connecting', () => setImmediate(close));
  close();
}

function leftAloneMsOf(error: unknown): number {
  if (!(error instanceof WebAPIRateLimitedError)) return 0;
  return Math.min(LEFT_ALONE_MS_MAX, error.retryAfter * 1000);
}
