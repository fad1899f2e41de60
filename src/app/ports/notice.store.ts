import type { Notice } from './channel.js';

/** A notice to be written. */
export interface NewNotice extends Omit<Notice, 'id'> {
  readonly newsId: bigint;
  readonly channel: string;
  /** Only where the channel was told of one of the alarms that this closes. */
  readonly onlyClosing: boolean;
}

/** How a channel stands, for all replicas together. */
export interface ChannelStanding {
  readonly name: string;
  readonly waiting: number;
  readonly oldestSeconds: number;
  readonly dead: number;
  readonly failingSince: Date | null;
  readonly lastError: string | null;
  readonly disabledAt: Date | null;
  readonly deliveredAt: Date | null;
}

/** Notices, each for one channel, and how the channels are. Times are the store's own. */
export abstract class NoticeStore {
  /** Writes those that are not there yet: news makes one for each channel. */
  abstract add(notices: readonly NewNotice[]): Promise<void>;

  /** Believes a disabled channel to be there again if it is another one than it was. */
  abstract meet(channel: string, fingerprint: string): Promise<void>;

  /**
   * The oldest notice whose turn it is: none of its thread waits before it. Takes the channel for so many seconds with it;
   * one holder at a time has it.
   *
   * @returns undefined where nothing is to be told now, or not by this holder.
   */
  abstract claim(channel: string, holder: string, seconds: number): Promise<Notice | undefined>;

  /** It was told. Where the channel was away before, all that wait for it are due. */
  abstract delivered(channel: string, id: bigint): Promise<void>;

  /** It will never be told. */
  abstract bury(channel: string, id: bigint, reason: string): Promise<void>;

  /** @returns how often in a row the channel has failed now, and how often this notice. */
  abstract failed(
    channel: string,
    id: bigint,
    error: string,
  ): Promise<{ readonly channel: number; readonly notice: number }>;

  /** When the channel, and when the notice, is tried again. */
  abstract postpone(
    channel: string,
    id: bigint,
    after: { readonly channelMs: number; readonly noticeMs: number },
  ): Promise<void>;

  /** Tells nothing there until it is another one. @returns false where that was known. */
  abstract disable(channel: string, reason: string): Promise<boolean>;

  /** Gives a channel up, so that another replica need not wait. */
  abstract release(channel: string, holder: string): Promise<void>;

  /** Buries what has waited for longer than so many seconds. @returns how many, by channel. */
  abstract giveUp(seconds: number, reason: string): Promise<ReadonlyMap<string, number>>;

  /** Forgets what was told, or buried, longer ago than so many seconds. */
  abstract sweep(seconds: number): Promise<void>;

  abstract standings(names: readonly string[]): Promise<ChannelStanding[]>;
}
