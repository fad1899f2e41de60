import type { NoticeBody } from '../../contract/notice.schema.js';
import type { NoticeKind } from '../../domain/notice/notice.kinds.js';

/** A notice on its way to one channel. */
export interface Notice {
  readonly id: bigint;
  readonly kind: NoticeKind;
  readonly thread: string;
  readonly alarm: string | null;
  readonly closes: readonly string[];
  readonly body: NoticeBody;
}

/**
 * What became of a notice: it was taken, will never be as it is, or nothing is taken there any more. Whatever may pass is
 * thrown, as a {@link ChannelAway} where it is known what it was.
 */
export type Told = 'taken' | { readonly refused: string } | { readonly gone: string };

/** The channel cannot take anything now. */
export class ChannelAway extends Error {
  /**
   * @param words what went wrong, without any secret: operators read it.
   * @param afterMs how long the channel itself asks to be left alone.
   */
  constructor(
    readonly words: string,
    readonly afterMs?: number,
    cause?: unknown,
  ) {
    super(words, { cause });
  }
}

/** Where people are told. */
export abstract class Channel {
  abstract readonly name: string;
  abstract readonly kind: string;
  /** Changes when it becomes another one: then it is believed to be there again. Holds no secret. */
  abstract readonly fingerprint: string;
  /** Ends by itself within {@link TELLING_MS_MAX}; may be asked for the same again, and then says the same under the same id. */
  abstract tell(notice: Notice, signal: AbortSignal): Promise<Told>;
  /** Lets go of connections. */
  abstract close(): Promise<void>;
}

/** Telling is given up after this long; a replica has a channel for longer, so that no two tell at once. */
export const TELLING_MS_MAX = 20_000;
