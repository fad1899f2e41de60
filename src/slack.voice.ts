import type { Database } from './adapters/prisma/database.js';
import { PrismaSlackPeople } from './adapters/prisma/prisma-slack.people.js';
import { PrismaSlackPosts } from './adapters/prisma/prisma-slack.posts.js';
import { WebSlackApi } from './adapters/slack/slack.api.js';
import { SlackChannel } from './adapters/slack/slack.channel.js';
import { SlackRenderer } from './adapters/slack/slack.renderer.js';
import { KeepPosts } from './app/keep-posts.js';
import type { LinkSlack } from './app/link-slack.js';
import { MatchSlackPeople } from './app/match-slack-people.js';
import type { Clock } from './app/ports/clock.js';
import type { Channel } from './app/ports/channel.js';
import type { Journal } from './app/ports/journal.js';
import type { People } from './app/ports/people.js';
import type { ReviewStore } from './app/ports/review.store.js';
import type { SessionStore } from './app/ports/session.store.js';
import type { SlackApi } from './app/ports/slack.api.js';
import type { Config } from './config/config.schema.js';
import { SLACK_SECURITY } from './config/notifications.section.js';
import type { Subscription } from './domain/notice/subscription.js';

/** What the security channel hears of besides sessions, whose messages are kept there. */
const ALARMS: Subscription = {
  channel: SLACK_SECURITY,
  events: [
    'bypass',
    'log.parted',
    'log.mended',
    'anchor.failing',
    'anchor.recovered',
    'sink.failing',
    'sink.recovered',
  ],
  clusters: ['*'],
  namespaces: ['*'],
  autoGranted: false,
};

/** What Hallpass says in Slack, put together. */
export class SlackVoice {
  private constructor(
    readonly api: SlackApi,
    /** Keeps the messages of sessions true. */
    readonly posts: KeepPosts,
    /** Where alarms go that are no session's. */
    readonly alarms: { readonly channel: Channel; readonly subscription: Subscription } | null,
  ) {}

  /** Undefined where the configuration names no bot. */
  static of(
    { slack, slackSecrets, server }: Config,
    parts: {
      readonly database: Database;
      readonly linkSlack: LinkSlack | null;
      readonly known: People;
      readonly store: SessionStore;
      readonly reviews: ReviewStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ): SlackVoice | undefined {
    if (!slack || !slackSecrets || !parts.linkSlack) return undefined;
    const { database, linkSlack, known, ...rest } = parts;
    const { securityChannel = null } = slack;
    const url = slack.apiUrl === undefined ? {} : { url: slack.apiUrl };
    const api = new WebSlackApi({ token: slackSecrets.botToken, ...url });
    const tied = new PrismaSlackPeople(database, slack.teamId);
    const speaksFor: LinkSlack['speaksFor'] = (user) => linkSlack.speaksFor(user);
    const posts = new KeepPosts({
      ...rest,
      api,
      posts: new PrismaSlackPosts(database),
      renderer: new SlackRenderer(server.publicUrl.replace(/\/$/, '')),
      people: slack.matchEmail
        ? new MatchSlackPeople({ tied, people: known, api, speaksFor, clock: parts.clock })
        : tied,
      securityChannel,
    });
    const alarms = securityChannel === null ? null : alarmsIn(api, securityChannel);
    return new SlackVoice(api, posts, alarms);
  }
}

function alarmsIn(api: SlackApi, channel: string): SlackVoice['alarms'] {
  return { channel: new SlackChannel(api, SLACK_SECURITY, channel), subscription: ALARMS };
}
