import type { RoleGroups } from '../domain/permission.js';
import { rolesOf } from '../domain/permission.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { SessionId } from '../domain/session/session.js';
import type { TicketKind } from '../domain/ticket.js';
import { isTicket, ticketDigest } from '../domain/ticket.js';
import type { Caller } from './caller.js';
import { TicketStore } from './ports/ticket.store.js';

/** A ticket as it was shown, and where. */
export interface ShownTicket {
  readonly ticket: string;
  readonly session: SessionId;
  readonly kind: TicketKind;
  readonly requestId: string;
  readonly address?: string;
}

/** Takes a ticket for the person who asked for it. */
export class RedeemTicket {
  constructor(
    private readonly deps: { readonly tickets: TicketStore; readonly roleGroups: RoleGroups },
  ) {}

  /**
   * @returns the person, as from the address where the ticket was shown; `invalid-ticket` for a wrong, used or expired
   * one and for one of another session or kind: which of these is not said.
   */
  async redeem({ ticket, session, kind, ...from }: ShownTicket): Promise<Caller | Problem> {
    const bearer = isTicket(ticket)
      ? await this.deps.tickets.take({ digest: ticketDigest(ticket), session, kind })
      : undefined;
    if (!bearer) {
      return problem(
        'invalid-ticket',
        'The ticket is wrong, was used, has expired, or is for something else: get another one.',
      );
    }
    return {
      actor: { kind: 'person', ...bearer, ...from },
      roles: rolesOf(bearer.person, this.deps.roleGroups),
    };
  }
}
