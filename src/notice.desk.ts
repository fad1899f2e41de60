import { EmailChannel } from './adapters/notify/email.channel.js';
import { PagerDutyChannel } from './adapters/notify/pagerduty.channel.js';
import { TeamsChannel } from './adapters/notify/teams.channel.js';
import { WebhookChannel } from './adapters/notify/webhook.channel.js';
import type { Database } from './adapters/prisma/database.js';
import { PrismaIncidents } from './adapters/prisma/prisma-incidents.js';
import { PrismaNoticeStore } from './adapters/prisma/prisma-notice.store.js';
import { DeliverNotices } from './app/deliver-notices.js';
import type { AuditLog } from './app/ports/audit.log.js';
import type { Channel } from './app/ports/channel.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import type { Notifier } from './app/ports/outbox.js';
import type { SessionStore } from './app/ports/session.store.js';
import { ReadChannels } from './app/read-channels.js';
import { RouteNews } from './app/route-news.js';
import { TestChannel } from './app/test-channel.js';
import { WatchIncidents } from './app/watch-incidents.js';
import type { ChannelConfig, NotificationsConfig } from './config/notifications.section.js';
import type { Subscription } from './domain/notice/subscription.js';

type Watched = Omit<ConstructorParameters<typeof WatchIncidents>[0], 'incidents'>;

/** All that tells people, started and stopped together. */
export class NoticeDesk {
  /** Makes notices of news. */
  readonly notifier: Notifier;
  readonly readChannels: ReadChannels;
  readonly testChannel: TestChannel;
  private readonly deliver: DeliverNotices;
  private readonly watch: WatchIncidents;

  constructor(args: {
    readonly config: NotificationsConfig;
    /** Channels that other parts of the configuration make, and what they are told of. */
    readonly more: readonly { readonly channel: Channel; readonly subscription: Subscription }[];
    readonly publicUrl: string;
    readonly database: Database;
    readonly store: SessionStore;
    readonly audit: AuditLog;
    readonly watched: Omit<Watched, 'clock' | 'journal'>;
    readonly clock: Clock;
    readonly journal: Journal;
    readonly replica: string;
  }) {
    const { config, more, publicUrl, database, store, audit, watched, clock, journal, replica } =
      args;
    const { giveUpDays } = config;
    const channels = [...config.channels.map(channelOf), ...more.map(({ channel }) => channel)];
    const subscriptions = [
      ...config.subscriptions,
      ...more.map(({ subscription }) => subscription),
    ];
    const notices = new PrismaNoticeStore(database);
    const alarms = config.channels.filter(({ kind }) => kind === 'pagerduty');
    const alarmChannels = new Set(alarms.map(({ name }) => name));
    this.notifier = new RouteNews({ subscriptions, alarmChannels, notices, store, publicUrl });
    this.readChannels = new ReadChannels({ channels, notices });
    this.testChannel = new TestChannel({ channels, log: audit, clock });
    this.deliver = new DeliverNotices({ channels, notices, journal, replica, giveUpDays });
    const incidents = new PrismaIncidents(database);
    this.watch = new WatchIncidents({ ...watched, incidents, clock, journal });
  }

  start(): void {
    this.deliver.start();
    this.watch.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.watch.stop(), this.deliver.stop()]);
  }
}

/** The channel that the configuration describes. */
export function channelOf(config: ChannelConfig): Channel {
  switch (config.kind) {
    case 'webhook':
      return new WebhookChannel(config);
    case 'teams':
      return new TeamsChannel(config);
    case 'email':
      return new EmailChannel(config);
    case 'pagerduty':
      return new PagerDutyChannel(config);
  }
}
