import type { Actor } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';
import type { TicketKind } from '../../domain/ticket.js';

/** Whom a ticket speaks for: the person as they asked for it, and through which door. */
export type Bearer = Pick<
  Extract<Actor, { kind: 'person' }>,
  'person' | 'signIn' | 'channel' | 'address'
>;

/** What a ticket is good for. */
export interface TicketUse {
  /** SHA-256, hex: the ticket itself is never stored. */
  readonly digest: string;
  readonly session: SessionId;
  readonly kind: TicketKind;
}

/** Tickets that wait to be used, once, on any replica. Their time is the store's own. */
export abstract class TicketStore {
  /**
   * Keeps a ticket for so long, and forgets those that have expired.
   *
   * @returns when it expires; `undefined` where the account holds `openMax` already.
   */
  abstract add(
    ticket: TicketUse & { readonly bearer: Bearer; readonly seconds: number },
    openMax: number,
  ): Promise<Date | undefined>;
  /**
   * Takes a ticket away, for good: of those who use it at once one gets it.
   *
   * @returns whom it speaks for; `undefined` where there is none like it that holds.
   */
  abstract take(use: TicketUse): Promise<Bearer | undefined>;
}
