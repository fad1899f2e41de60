import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import type { Logger } from '@slack/web-api';
import { SlackApi } from '../../app/ports/slack.api.js';
import type {
  SlackContent,
  SlackFound,
  SlackPlace,
  SlackRefusal,
  SlackView,
  SlackViewId,
} from '../../app/ports/slack.api.js';
import type { Secret } from '../../config/secret.js';
import { slackUserSchema } from '../../contract/slack-user.schema.js';
import type { SlackUser } from '../../domain/slack-user.js';
import { fieldOf, listOf, textOf } from './slack.answer.js';

/** The `event_type` of the metadata of messages that are kept true. */
const POST_EVENT = 'hallpass_post';
const CALL_MS_MAX = 10_000;
const BUSY_MS = 30_000;
/** What Slack says when it does not know itself what became of a call. */
const UNSURE: ReadonlySet<string> = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
]);
const RATE_LIMITS: ReadonlySet<string> = new Set(['ratelimited', 'rate_limited']);

/** Says nothing: what is called and answered holds what people wrote. */
export const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
};

type Arguments = Readonly<Record<string, unknown>>;

/** Slack's Web API by its own client, whose retries, queue and log are off. The token is in no error. */
export class WebSlackApi extends SlackApi {
  private made: { readonly token: string; readonly client: WebClient } | undefined;
  private readonly quiet = new QuietTimes();

  /** @param config.url ends with `/`; Slack's own where left out. */
  constructor(
    private readonly config: {
      readonly token: Secret;
      readonly url?: string;
      readonly callMs?: number;
    },
  ) {
    super();
  }

  /** By the token as it is now. */
  private get client(): WebClient {
    const { token: secret, url, callMs = CALL_MS_MAX } = this.config;
    const token = secret.reveal();
    if (this.made?.token === token) return this.made.client;
    const client = new WebClient(token, {
      logger: SILENT,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      timeout: callMs,
      allowAbsoluteUrls: false,
      ...(url === undefined ? {} : { slackApiUrl: url }),
      fetch: async (to, init) => withRetryAfter(await fetch(to, init)),
    });
    this.made = { token, client };
    return client;
  }

  async self(): Promise<{ teamId: string; userId: string } | SlackRefusal> {
    return this.call('auth.test', {}, (answer) => {
      const [teamId, userId] = [textOf(answer, 'team_id'), textOf(answer, 'user_id')];
      return teamId === undefined || userId === undefined ? undefined : { teamId, userId };
    });
  }

  async post({
    channel,
    thread,
    isLoud = false,
    ...content
  }: Parameters<SlackApi['post']>[0]): Promise<SlackPlace | SlackRefusal> {
    const under =
      thread === undefined
        ? {}
        : { thread_ts: thread, ...(isLoud ? { reply_broadcast: true } : {}) };
    return this.call('chat.postMessage', { channel, ...under, ...messageOf(content) }, placeOf);
  }

  async update({
    channel,
    ts,
    ...content
  }: SlackContent & SlackPlace & { post?: string }): Promise<SlackPlace | SlackRefusal> {
    return this.call('chat.update', { channel, ts, ...messageOf(content) }, placeOf);
  }

  async ephemeral({
    channel,
    user,
    text,
    blocks,
  }: SlackContent & { channel: string; user: string }): Promise<'done' | SlackRefusal> {
    return this.call('chat.postEphemeral', { channel, user, text, blocks }, () => 'done' as const);
  }

  async openView(args: {
    triggerId: string;
    view: SlackView;
  }): Promise<SlackViewId | SlackRefusal> {
    return this.call('views.open', { trigger_id: args.triggerId, view: args.view }, viewOf);
  }

  async updateView(args: {
    id: string;
    hash?: string;
    view: SlackView;
  }): Promise<SlackViewId | SlackRefusal> {
    const { id, hash, view } = args;
    const seen = hash === undefined ? {} : { hash };
    return this.call('views.update', { view_id: id, ...seen, view }, viewOf);
  }

  async userInfo(userId: string): Promise<SlackUser | SlackRefusal> {
    return this.call('users.info', { user: userId }, userOf);
  }

  async userByEmail(email: string): Promise<SlackUser | SlackRefusal> {
    return this.call('users.lookupByEmail', { email }, userOf);
  }

  async openDm(userId: string): Promise<{ channel: string } | SlackRefusal> {
    return this.call('conversations.open', { users: userId }, (answer) => {
      const channel = textOf(answer, 'channel', 'id');
      return channel === undefined ? undefined : { channel };
    });
  }

  async history(args: {
    channel: string;
    thread?: string;
    oldest: string;
    limit: number;
  }): Promise<readonly SlackFound[] | SlackRefusal> {
    const { channel, thread, oldest, limit } = args;
    const page = { channel, oldest, limit, inclusive: true, include_all_metadata: true };
    return thread === undefined
      ? this.call('conversations.history', page, foundOf)
      : this.call('conversations.replies', { ...page, ts: thread }, foundOf);
  }

  async permalink({ channel, ts }: SlackPlace): Promise<{ url: string } | SlackRefusal> {
    return this.call('chat.getPermalink', { channel, message_ts: ts }, (answer) => {
      const url = textOf(answer, 'permalink');
      return url === undefined ? undefined : { url };
    });
  }

  private async call<T>(
    method: string,
    args: Arguments,
    read: (answer: unknown) => T | undefined,
  ): Promise<T | SlackRefusal> {
    // Of posts Slack counts those in one channel.
    const what = typeof args['channel'] === 'string' ? `${method} ${args['channel']}` : method;
    const afterMs = this.quiet.left(what);
    if (afterMs > 0) return { refused: 'busy', afterMs };
    try {
      const answer = await this.client.apiCall(method, { ...args });
      return (
        read(answer) ?? { refused: 'unknown', words: `${method} answered without what it is for` }
      );
    } catch (error) {
      const refusal = refusalOf(method, error);
      if (refusal.refused === 'busy') this.quiet.begin(what, refusal.afterMs);
      return refusal;
    }
  }
}

/** With what Slack asked to be left alone, and until when. */
class QuietTimes {
  private readonly untilMs = new Map<string, number>();

  begin(what: string, forMs: number): void {
    const nowMs = performance.now();
    for (const [other, endMs] of this.untilMs) if (endMs <= nowMs) this.untilMs.delete(other);
    this.untilMs.set(what, nowMs + forMs);
  }

  /** For how many milliseconds more. */
  left(what: string): number {
    return Math.max(0, (this.untilMs.get(what) ?? 0) - performance.now());
  }
}

function refusalOf(method: string, error: unknown): SlackRefusal {
  if (error instanceof WebAPIRateLimitedError) {
    return { refused: 'busy', afterMs: error.retryAfter * 1000 };
  }
  if (error instanceof WebAPIPlatformError) {
    const word = error.data.error;
    if (RATE_LIMITS.has(word)) return { refused: 'busy', afterMs: BUSY_MS };
    if (!UNSURE.has(word)) return { refused: 'no', word };
    return { refused: 'unknown', words: `${method} answered ${word}` };
  }
  if (error instanceof WebAPIHTTPError) {
    return { refused: 'unknown', words: `${method} answered ${error.statusCode}` };
  }
  return { refused: 'unknown', words: `${method} was not answered` };
}

/** The client takes a 429 that does not say for how long for an error of its own. */
function withRetryAfter(response: Response): Response {
  if (response.status !== 429) return response;
  const said = response.headers.get('retry-after') ?? '';
  const seconds = /^\d{1,6}$/.test(said) ? said : `${BUSY_MS / 1000}`;
  return new Response(null, { status: 429, headers: { 'retry-after': seconds } });
}

function messageOf({ text, blocks, post }: SlackContent & { readonly post?: string }): Arguments {
  return {
    text,
    blocks,
    // Nothing that people wrote is looked up by Slack.
    unfurl_links: false,
    unfurl_media: false,
    ...(post === undefined
      ? {}
      : { metadata: { event_type: POST_EVENT, event_payload: { id: post } } }),
  };
}

function placeOf(answer: unknown): SlackPlace | undefined {
  const [channel, ts] = [textOf(answer, 'channel'), textOf(answer, 'ts')];
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}

function viewOf(answer: unknown): SlackViewId | undefined {
  const id = textOf(answer, 'view', 'id');
  return id === undefined ? undefined : { id, hash: textOf(answer, 'view', 'hash') ?? null };
}

function userOf(answer: unknown): SlackUser | undefined {
  return slackUserSchema.safeParse(fieldOf(answer, 'user')).data;
}

function foundOf(answer: unknown): SlackFound[] | undefined {
  return listOf(answer, 'messages')?.flatMap((message) => {
    const ts = textOf(message, 'ts');
    if (ts === undefined) return [];
    const isOurs = textOf(message, 'metadata', 'event_type') === POST_EVENT;
    const post = isOurs ? textOf(message, 'metadata', 'event_payload', 'id') : undefined;
    return [{ ts, post: post ?? null }];
  });
}
