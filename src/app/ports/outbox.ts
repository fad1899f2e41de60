/** News of one step, as it waits in the outbox. */
export interface News {
  readonly id: bigint;
  readonly topic: string;
  readonly sessionId: string | null;
  readonly seq: number | null;
  readonly payload: unknown;
  readonly at: Date;
}

/** What was written with a step to be told to others after it: at least once, by any replica, in order as far as one replica goes. */
export abstract class Outbox {
  /**
   * Hands up to `limit` items that nobody else holds to `tell`, oldest first, and marks those as delivered for which it
   * returned. Where it throws, the rest stays and is tried again later.
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
