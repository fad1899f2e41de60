import { invariant } from '../domain/problem.js';
import { isDueSoon, isOverdue } from '../domain/review/review.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { parseSessionId } from '../domain/session/session.js';
import { pause } from './pause.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { News } from './ports/outbox.js';
import { Notifier } from './ports/outbox.js';
import type { PostRenderer, SlackStory } from './ports/post.renderer.js';
import type { ReviewStore } from './ports/review.store.js';
import type { SessionStore } from './ports/session.store.js';
import type { SlackApi } from './ports/slack.api.js';
import type { SlackPeople } from './ports/slack.people.js';
import type { PostKey, SlackPost, SlackPosts, Turn } from './ports/slack.posts.js';
import { SendPost, SlackAway, TurnLost } from './send-post.js';
import type { Addressees } from './wanted-posts.js';
import { isPost, namedPeople, parentOf, UNDER, wantedPosts } from './wanted-posts.js';

const LOOK_MS = 1_000;
/** How many sessions are looked at at once. */
const AT_ONCE = 4;
/** Longer than one call to Slack may take: a turn is kept before each. */
const TURN_SECONDS = 60;
const FIRST_RETRY_MS = 1_000;
const RETRY_MS_MAX = 300_000;

/**
 * Keeps the messages in Slack true: whatever changes a session, by whichever way in and on whichever replica, its
 * messages are written anew from how it stands now. One replica at a time looks at one session; while Slack is away
 * sessions go on, and what waits is told once, as it stands then.
 */
export class KeepPosts extends Notifier {
  private readonly stopping = new AbortController();
  private readonly sending: SendPost;
  private loop: Promise<void> = Promise.resolve();
  private wake: AbortController = new AbortController();

  constructor(
    private readonly deps: {
      readonly api: SlackApi;
      readonly posts: SlackPosts;
      readonly renderer: PostRenderer;
      readonly people: SlackPeople;
      readonly store: Pick<SessionStore, 'find' | 'decisions' | 'consents' | 'steps'>;
      readonly reviews: Pick<ReviewStore, 'find'>;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      readonly securityChannel: string | null;
      /** At least 0, less than 1. */
      readonly random?: () => number;
      readonly firstRetryMs?: number;
    },
  ) {
    super();
    this.sending = new SendPost(deps);
  }

  /** Has the session's messages looked at soon. Slack itself is not waited for. */
  override async tell({ sessionId }: Pick<News, 'sessionId'>): Promise<void> {
    const id = sessionId === null ? undefined : parseSessionId(sessionId);
    if (id === undefined) return;
    await this.deps.posts.want(id);
    this.wake.abort();
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.wake = new AbortController();
      const looked = await this.once().catch((error: unknown) => {
        this.deps.journal.warn({ err: error }, 'messages in Slack could not be looked at');
        return 0;
      });
      if (looked === 0) {
        await pause(LOOK_MS, AbortSignal.any([this.wake.signal, this.stopping.signal]));
      }
    }
  }

  /** Looks at the sessions that are due, some of them. @returns how many. */
  async once(): Promise<number> {
    const turns = await this.deps.posts.claim(this.deps.replica, TURN_SECONDS, AT_ONCE);
    await Promise.all(turns.map((turn) => this.take(turn)));
    return turns.length;
  }

  private async take(turn: Turn): Promise<void> {
    const { posts, journal } = this.deps;
    try {
      await this.keep(turn);
      await posts.release(turn, 'done');
    } catch (error) {
      if (error instanceof TurnLost) return;
      const told = { session: turn.sessionId, failures: turn.failures + 1, err: error };
      journal.warn(told, 'messages in Slack could not be kept true: it is tried again');
      const inMs = this.retryMs(turn.failures + 1, error);
      await posts.release(turn, { inMs, failed: true });
    }
  }

  private async keep(turn: Turn): Promise<void> {
    const { posts, renderer } = this.deps;
    const { sessionId } = turn;
    const [story, stored] = await Promise.all([this.story(sessionId), posts.of(sessionId)]);
    const addressees = await this.addressees(story.session);
    const wanted = wantedPosts(story, addressees);
    const kept = [...stored];
    // What is there is kept true first: a message that asks for what is decided misleads. What never went is no news.
    const there = stored.filter(
      (post) => post.state !== 'wanted' || wanted.some((key) => isPost(post, key)),
    );
    const keys: PostKey[] = [...byRank(there), ...wanted.filter((key) => isNew(key, stored))];
    // Where Slack asks to be left alone with one place, the others are told all the same.
    const busy = new Map<string, SlackAway>();
    for (const key of keys) {
      if (busy.has(key.target)) continue;
      await this.holdOn(turn);
      const at = kept.findIndex((post) => isPost(post, key));
      const post = kept[at] ?? (await posts.add(sessionId, key));
      try {
        const content = isTheirs(key, addressees) ? renderer.render(key, story) : renderer.parted();
        const sent = await this.sending.send(turn, post, content, parentOf(key, kept));
        if (at < 0) kept.push(sent);
        else kept[at] = sent;
      } catch (error) {
        if (!(error instanceof SlackAway) || error.afterMs === undefined) throw error;
        busy.set(key.target, error);
      }
    }
    const [longest] = [...busy.values()].toSorted((a, b) => (b.afterMs ?? 0) - (a.afterMs ?? 0));
    if (longest) throw longest;
  }

  private async story(id: SessionId): Promise<SlackStory> {
    const { store, reviews, clock } = this.deps;
    const session = invariant(
      await store.find(id),
      `a turn of the session ${id}, which is not there`,
    );
    const [decisions, words, steps, owed] = await Promise.all([
      store.decisions(id),
      store.consents(id),
      store.steps(id, 0),
      session.grant?.breakGlass ? reviews.find(id) : undefined,
    ]);
    return {
      session,
      decisions,
      words,
      owed: owed ?? null,
      isDueSoon: owed !== undefined && isDueSoon(owed, session, clock.now()),
      isOverdue: owed !== undefined && isOverdue(owed, clock.now()),
      overran: steps.some(({ event }) => event === 'overrun'),
      extended: steps.filter(({ event }) => event === 'move').length,
      notExtended: steps.filter(({ event }) => event === 'unextend').length,
    };
  }

  private async addressees(session: Session): Promise<Addressees> {
    const { people, securityChannel } = this.deps;
    const names = namedPeople(session);
    const [requester, named] = await Promise.all([
      people.userOf(session.requester),
      names.length === 0 ? [] : people.usersNamed(names),
    ]);
    return {
      requester: requester ?? null,
      // Whoever asks is not asked.
      people: named.filter((user) => user !== requester),
      securityChannel,
    };
  }

  private async holdOn(turn: Turn): Promise<void> {
    this.stopping.signal.throwIfAborted();
    const isOurs = await this.deps.posts.keep(turn, TURN_SECONDS);
    if (!isOurs) throw new TurnLost();
  }

  /** Twice as long each time, and some of it by chance; never sooner than Slack asks for. */
  private retryMs(failures: number, error: unknown): number {
    const { random = Math.random, firstRetryMs = FIRST_RETRY_MS } = this.deps;
    const most = Math.min(RETRY_MS_MAX, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    const asked = error instanceof SlackAway ? (error.afterMs ?? 0) : 0;
    return Math.max(asked, most / 2 + (most / 2) * random());
  }
}

/** Whether a message is in a channel, or for an account that is still told. */
function isTheirs({ target }: PostKey, { requester, people }: Addressees): boolean {
  return !/^[UW]/.test(target) || target === requester || people.includes(target);
}

function isNew(key: PostKey, stored: readonly SlackPost[]): boolean {
  return !stored.some((post) => isPost(post, key));
}

/** Those that others stand under first. */
function byRank(posts: readonly SlackPost[]): SlackPost[] {
  const rank = ({ kind }: PostKey) => (UNDER[kind] === undefined ? 0 : 1);
  return posts.toSorted((a, b) => rank(a) - rank(b));
}
