import { createHash } from 'node:crypto';
import { findPost } from './find-post.js';
import type { SlackApi, SlackContent, SlackRefusal } from './ports/slack.api.js';
import { isSlackRefusal } from './ports/slack.api.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { PostChanges, PostKind, SlackPost, SlackPosts, Turn } from './ports/slack.posts.js';

/** A message that somebody deletes comes back once. */
const LOSSES_MAX = 1;

/** Slack's words for what is true of the app, not of the place: nothing can be sent until an operator has acted. */
const OURS: ReadonlySet<string> = new Set([
  'token_revoked',
  'token_expired',
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'missing_scope',
  'no_permission',
  'org_login_required',
  'team_access_not_granted',
  'access_denied',
  'accesslimited',
  'ekm_access_denied',
]);
/** Kinds that have to be heard of: under a message that nobody follows they would make no sound. */
const LOUD: ReadonlySet<PostKind> = new Set(['step', 'alarm']);
/** Slack's word for a message that somebody deleted. */
const DELETED = 'message_not_found';

/** Slack cannot be told anything now; or not for so long. */
export class SlackAway extends Error {
  constructor(
    words: string,
    /** How long Slack asks to be left alone with this; undefined where it is away altogether. */
    readonly afterMs?: number,
  ) {
    super(words);
  }
}

/** Another replica has the turn now. */
export class TurnLost extends Error {}

/** A message on its way, in whose turn, and what it is to say. */
interface Sending {
  readonly turn: Turn;
  readonly content: SlackContent;
  readonly digest: string;
  /** The message that it stands under. */
  readonly thread: string | undefined;
}

/**
 * Sends one message, or changes it, so that it says `content`. What it is about to send is stored before: where nobody
 * knows whether it arrived, it is looked for before it is sent again.
 */
export class SendPost {
  constructor(
    private readonly deps: {
      readonly api: SlackApi;
      readonly posts: SlackPosts;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  /**
   * @param turn in which it is sent.
   * @param parent the message that it stands under.
   * @returns the message as it is stored now. Throws a {@link SlackAway} where it has to be tried again, and a
   * {@link TurnLost} where that is for another to do.
   */
  async send(
    turn: Turn,
    post: SlackPost,
    content: SlackContent,
    parent?: SlackPost,
  ): Promise<SlackPost> {
    const sending = { turn, content, digest: digestOf(content), thread: parent?.ts ?? undefined };
    if (post.state === 'gone' || (post.state === 'posted' && post.digest === sending.digest)) {
      return post;
    }
    if (parent !== undefined && parent.state !== 'posted') {
      return parent.state === 'gone'
        ? this.change(turn, post, { state: 'gone', word: 'no_thread' })
        : post;
    }
    const found = post.state === 'tried' ? await this.lookFor(post, sending) : post;
    return found.state === 'posted' ? this.update(found, sending) : this.create(found, sending);
  }

  private async create(post: SlackPost, sending: Sending): Promise<SlackPost> {
    const { api, clock } = this.deps;
    const { turn, content, digest, thread } = sending;
    const channel = post.channel ?? (await this.channelOf(turn, post));
    if (channel === undefined) return { ...post, state: 'gone' };
    const trying = { state: 'tried', channel, triedAt: clock.now() } as const;
    const tried = await this.change(turn, post, trying);
    const under = thread === undefined ? {} : { thread, isLoud: LOUD.has(post.kind) };
    const place = await api.post({ ...content, ...under, channel, post: post.id });
    if (!isSlackRefusal(place)) {
      return this.change(turn, tried, { state: 'posted', ...place, digest, word: null });
    }
    // What Slack said no to is not there: it need not be looked for.
    if (place.refused !== 'unknown') {
      await this.change(turn, tried, { state: 'wanted', triedAt: null });
    }
    return this.refused(turn, tried, place);
  }

  private async update(post: SlackPost, sending: Sending): Promise<SlackPost> {
    const { channel, ts } = post;
    const { turn, content, digest } = sending;
    if (post.digest === digest || channel === null || ts === null) return post;
    const place = await this.deps.api.update({ ...content, channel, ts, post: post.id });
    if (!isSlackRefusal(place)) return this.change(turn, post, { digest });
    if (place.refused === 'no' && place.word === DELETED && post.losses < LOSSES_MAX) {
      const lost = { state: 'wanted', ts: null, digest: null, losses: post.losses + 1 } as const;
      return this.create(await this.change(turn, post, lost), sending);
    }
    return this.refused(turn, post, place);
  }

  /** Whether what was being sent is there after all. Where Slack does not say, it is sent again. */
  private async lookFor(post: SlackPost, { turn, thread }: Sending): Promise<SlackPost> {
    const { channel, triedAt } = post;
    if (channel === null || triedAt === null) return post;
    const asked = { channel, thread, post: post.id, since: triedAt };
    const found = await findPost(this.deps.api, asked);
    if (isSlackRefusal(found)) {
      if (found.refused !== 'no') throw away(found);
      const told = { post: post.id, channel, word: found.word };
      this.deps.journal.warn(
        told,
        'a message in Slack cannot be looked for: it may be there twice',
      );
      return post;
    }
    return found ? this.change(turn, post, { state: 'posted', ts: found.ts, digest: null }) : post;
  }

  /** The conversation with a user; undefined where there can be none. */
  private async channelOf(turn: Turn, post: SlackPost): Promise<string | undefined> {
    if (!/^[UW]/.test(post.target)) return post.target;
    const dm = await this.deps.api.openDm(post.target);
    if (!isSlackRefusal(dm)) return dm.channel;
    await this.refused(turn, post, dm);
    return undefined;
  }

  private async refused(turn: Turn, post: SlackPost, refusal: SlackRefusal): Promise<SlackPost> {
    if (refusal.refused !== 'no' || OURS.has(refusal.word)) throw away(refusal);
    const { word } = refusal;
    const told = { kind: post.kind, target: post.target, word };
    this.deps.journal.warn(
      told,
      'a message in Slack cannot be kept: its session goes on without it',
    );
    return this.change(turn, post, { state: 'gone', word });
  }

  private async change(turn: Turn, post: SlackPost, changes: PostChanges): Promise<SlackPost> {
    if (!(await this.deps.posts.change(turn, post.id, changes))) throw new TurnLost();
    return { ...post, ...changes };
  }
}

/** What is to be tried again. */
export function away(refusal: SlackRefusal): SlackAway {
  switch (refusal.refused) {
    case 'busy':
      return new SlackAway('Slack asks to be left alone', refusal.afterMs);
    case 'no':
      return new SlackAway(`Slack does not let the app in: ${refusal.word}`);
    case 'unknown':
      return new SlackAway(`Slack did not say what became of it: ${refusal.words}`);
  }
}

function digestOf(content: SlackContent): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
