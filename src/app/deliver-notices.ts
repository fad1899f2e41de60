import { pause } from './pause.js';
import type { Channel, Notice, Told } from './ports/channel.js';
import { ChannelAway, TELLING_MS_MAX } from './ports/channel.js';
import type { Journal } from './ports/journal.js';
import type { NoticeStore } from './ports/notice.store.js';

/** Longer than telling may take, so that what is under way is over when another replica begins. */
const CLAIM_SECONDS = (3 * TELLING_MS_MAX) / 1000;
const LOOK_MS = 500;
const FIRST_RETRY_MS = 1_000;
/** So that one notice that a channel cannot take does not hold up the others for long. */
const CHANNEL_RETRY_MS_MAX = 60_000;
const NOTICE_RETRY_MS_MAX = 3_600_000;
/** Whatever a channel asks: longer is not believed. */
const ASKED_MS_MAX = 3_600_000;
const SWEEP_MS = 60_000;
const KEPT_SECONDS = 90 * 86_400;
const DAY_SECONDS = 86_400;
const ERROR_CHARACTERS_MAX = 300;

/**
 * Tells each channel by itself what waits for it: the notices of one thread in their order, at least once, under the same
 * id each time. One replica at a time tells a channel. What cannot be told is tried again, ever more rarely, for days.
 * A channel that is away, slow or gone holds up no other.
 */
export class DeliverNotices {
  private readonly stopping = new AbortController();
  private loops: readonly Promise<void>[] = [];

  constructor(
    private readonly deps: {
      readonly channels: readonly Channel[];
      readonly notices: NoticeStore;
      readonly journal: Journal;
      readonly replica: string;
      readonly giveUpDays: number;
      /** At least 0, less than 1. */
      readonly random?: () => number;
      readonly firstRetryMs?: number;
      readonly lookMs?: number;
    },
  ) {}

  start(): void {
    const { channels } = this.deps;
    if (channels.length === 0) return;
    this.loops = [...channels.map((channel) => this.run(channel)), this.sweeping()];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    await Promise.all(this.deps.channels.map((channel) => channel.close()));
  }

  private async run(channel: Channel): Promise<void> {
    const { notices, replica, journal, lookMs = LOOK_MS } = this.deps;
    const { signal } = this.stopping;
    let isMet = false;
    while (!signal.aborted) {
      let more = false;
      try {
        if (!isMet) await notices.meet(channel.name, channel.fingerprint);
        isMet = true;
        more = await this.once(channel);
      } catch (error) {
        if (signal.aborted) break;
        journal.warn({ channel: channel.name, err: error }, 'notices cannot be read or marked');
      }
      if (!more) await pause(lookMs, signal);
    }
    // Where the database is away the claim lapses by itself.
    await notices.release(channel.name, replica).catch(() => undefined);
  }

  /** Tells one notice at most. @returns whether there may be more to tell at once. */
  async once(channel: Channel): Promise<boolean> {
    const { notices, journal, replica } = this.deps;
    const { name } = channel;
    const notice = await notices.claim(name, replica, CLAIM_SECONDS);
    if (!notice) return false;
    const told = await this.told(channel, notice);
    // Whoever comes next tells it again, under the same id.
    if (this.stopping.signal.aborted && told instanceof ChannelAway) return false;
    if (told === 'taken') {
      await notices.delivered(name, notice.id);
    } else if (told instanceof ChannelAway) {
      await this.postponed(channel, notice, told);
    } else if ('refused' in told) {
      await notices.bury(name, notice.id, told.refused);
      const facts = { channel: name, notice: notice.body.id, kind: notice.kind, why: told.refused };
      journal.error(facts, 'a channel refuses a notice for good');
    } else {
      const isNew = await notices.disable(name, told.gone);
      const facts = { channel: name, why: told.gone };
      if (isNew) journal.error(facts, 'a channel is gone: it is told nothing until it is changed');
    }
    return true;
  }

  private async told(channel: Channel, notice: Notice): Promise<Told | ChannelAway> {
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(TELLING_MS_MAX)]);
    try {
      return await channel.tell(notice, signal);
    } catch (error) {
      return error instanceof ChannelAway
        ? error
        : new ChannelAway('it could not be told', undefined, error);
    }
  }

  private async postponed(channel: Channel, notice: Notice, away: ChannelAway): Promise<void> {
    const { notices, journal } = this.deps;
    const { name } = channel;
    const error = away.words.slice(0, ERROR_CHARACTERS_MAX);
    const failures = await notices.failed(name, notice.id, error);
    const asked = Math.min(away.afterMs ?? 0, ASKED_MS_MAX);
    const channelMs = Math.max(asked, this.retryMs(failures.channel, CHANNEL_RETRY_MS_MAX));
    const noticeMs = Math.max(asked, this.retryMs(failures.notice, NOTICE_RETRY_MS_MAX));
    await notices.postpone(name, notice.id, { channelMs, noticeMs });
    const facts = { channel: name, notice: notice.body.id, failures: failures.channel, err: away };
    journal.warn(facts, 'a channel cannot be told: it is tried again');
  }

  /** Twice as long each time, and some of it by chance, so that replicas and channels do not come all at once. */
  private retryMs(failures: number, mostMs: number): number {
    const { random = Math.random, firstRetryMs = FIRST_RETRY_MS } = this.deps;
    const most = Math.min(mostMs, firstRetryMs * 2 ** Math.min(failures - 1, 24));
    return most / 2 + (most / 2) * random();
  }

  private async sweeping(): Promise<void> {
    const { notices, journal, giveUpDays } = this.deps;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        const words = `it could not be told for ${giveUpDays} days`;
        const given = await notices.giveUp(giveUpDays * DAY_SECONDS, words);
        for (const [channel, count] of given) {
          journal.error({ channel, count }, 'notices were given up');
        }
        await notices.sweep(KEPT_SECONDS);
      } catch (error) {
        journal.warn({ err: error }, 'old notices cannot be swept');
      }
      await pause(SWEEP_MS, signal);
    }
  }
}
