/** News of one step, as it waits in the outbox. */
export interface News {
  readonly id: bigint;
  readonly topic: string;
  readonly sessionId: string | null;
  readonly seq: number | null;
  readonly payload: unknown;
  readonly at: Date;
}

/** What was written with a step to be told to others after it: at least once, in order, by one replica at a time. */
export abstract class Outbox {
  /**
   * Hands up to `limit` items to `tell`, oldest first, for a few seconds, and marks those as delivered for which it
   * returned. Where it throws, the rest stays and is tried again later. Does nothing while another replica tells.
   *
   * @returns how many were delivered.
   */
  abstract deliver(limit: number, tell: (news: News) => Promise<void>): Promise<number>;

  /** Forgets what was delivered, and idempotency keys that were made, before these instants. */
  abstract sweep(before: { readonly delivered: Date; readonly keys: Date }): Promise<void>;
}

/** Somebody who is told of news. Telling twice must do no harm. */
export abstract class Notifier {
  abstract tell(news: News): Promise<void>;
}
