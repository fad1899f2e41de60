import { createHash } from 'node:crypto';
import type { SlackApi, SlackContent, SlackRefusal } from './ports/slack.api.js';
import { isSlackRefusal } from './ports/slack.api.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { PostChanges, SlackPost, SlackPosts } from './ports/slack.posts.js';

/** How far Slack's clock may be behind ours. */
const CLOCKS_MS = 300_000;
const SEARCHED = 200;
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
/** Slack's word for a message that somebody deleted. */
const DELETED = 'message_not_found';

/** Slack cannot be told anything now; or not for so long. */
export class SlackAway extends Error {
  constructor(
    words: string,
    readonly afterMs?: number,
  ) {
    super(words);
  }
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
   * @param parent the message that it stands under.
   * @returns the message as it is stored now. Throws a {@link SlackAway} where it has to be tried again.
   */
  async send(post: SlackPost, content: SlackContent, parent?: SlackPost): Promise<SlackPost> {
    const digest = digestOf(content);
    if (post.state === 'gone' || (post.state === 'posted' && post.digest === digest)) return post;
    if (parent !== undefined && parent.state !== 'posted') {
      return parent.state === 'gone'
        ? this.change(post, { state: 'gone', word: 'no_thread' })
        : post;
    }
    const thread = parent?.ts ?? undefined;
    const found = post.state === 'tried' ? await this.lookFor(post, thread) : post;
    if (found.state === 'posted') return this.update(found, content, digest, thread);
    return this.create(found, content, digest, thread);
  }

  private async create(
    post: SlackPost,
    content: SlackContent,
    digest: string,
    thread: string | undefined,
  ): Promise<SlackPost> {
    const { api, clock } = this.deps;
    const channel = post.channel ?? (await this.channelOf(post));
    if (channel === undefined) return { ...post, state: 'gone' };
    const tried = await this.change(post, { state: 'tried', channel, triedAt: clock.now() });
    const under = thread === undefined ? {} : { thread };
    const place = await api.post({ ...content, ...under, channel, post: post.id });
    if (!isSlackRefusal(place)) {
      return this.change(tried, { state: 'posted', ...place, digest, word: null });
    }
    // What Slack said no to is not there: it need not be looked for.
    if (place.refused !== 'unknown') await this.change(tried, { state: 'wanted', triedAt: null });
    return this.refused(tried, place);
  }

  private async update(
    post: SlackPost,
    content: SlackContent,
    digest: string,
    thread: string | undefined,
  ): Promise<SlackPost> {
    const { channel, ts } = post;
    if (post.digest === digest || channel === null || ts === null) return post;
    const place = await this.deps.api.update({ ...content, channel, ts, post: post.id });
    if (!isSlackRefusal(place)) return this.change(post, { digest });
    if (place.refused === 'no' && place.word === DELETED && post.losses < LOSSES_MAX) {
      const lost = { state: 'wanted', ts: null, digest: null, losses: post.losses + 1 } as const;
      return this.create(await this.change(post, lost), content, digest, thread);
    }
    return this.refused(post, place);
  }

  /** Whether what was being sent is there after all. Where Slack does not say, it is sent again. */
  private async lookFor(post: SlackPost, thread: string | undefined): Promise<SlackPost> {
    const { channel, triedAt } = post;
    if (channel === null || triedAt === null) return post;
    const oldest = `${((triedAt.getTime() - CLOCKS_MS) / 1000).toFixed(3)}000`;
    const found = await this.deps.api.history({
      channel,
      oldest,
      limit: SEARCHED,
      ...(thread === undefined ? {} : { thread }),
    });
    if (isSlackRefusal(found)) {
      if (found.refused !== 'no') throw away(found);
      const told = { post: post.id, channel, word: found.word };
      this.deps.journal.warn(
        told,
        'a message in Slack cannot be looked for: it may be there twice',
      );
      return post;
    }
    const ours = found.find((message) => message.post === post.id);
    return ours ? this.change(post, { state: 'posted', ts: ours.ts, digest: null }) : post;
  }

  /** The conversation with a user; undefined where there can be none. */
  private async channelOf(post: SlackPost): Promise<string | undefined> {
    if (!/^[UW]/.test(post.target)) return post.target;
    const dm = await this.deps.api.openDm(post.target);
    if (!isSlackRefusal(dm)) return dm.channel;
    await this.refused(post, dm);
    return undefined;
  }

  private async refused(post: SlackPost, refusal: SlackRefusal): Promise<SlackPost> {
    if (refusal.refused !== 'no' || OURS.has(refusal.word)) throw away(refusal);
    const { word } = refusal;
    const told = { kind: post.kind, target: post.target, word };
    this.deps.journal.warn(
      told,
      'a message in Slack cannot be kept: its session goes on without it',
    );
    return this.change(post, { state: 'gone', word });
  }

  private async change(post: SlackPost, changes: PostChanges): Promise<SlackPost> {
    await this.deps.posts.change(post.id, changes);
    return { ...post, ...changes };
  }
}

function away(refusal: SlackRefusal): SlackAway {
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
