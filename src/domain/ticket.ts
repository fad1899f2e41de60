import { createHash, randomBytes } from 'node:crypto';

/** What a ticket opens: a terminal in a session's container, or the view of what is shown in one. */
export const TICKET_KINDS = ['terminal', 'watch'] as const;
export type TicketKind = (typeof TICKET_KINDS)[number];

/** How long a ticket may be used: as long as a client takes to open a connection. */
export const TICKET_SECONDS = 30;

const BYTES = 32;
const TICKET = /^[A-Za-z0-9_-]{43}$/;

/** A new ticket: 256 random bits as base64url (RFC 4648 §5), which may stand in any header. */
export function newTicket(): string {
  return randomBytes(BYTES).toString('base64url');
}

/** Whether a text may be a ticket. */
export function isTicket(text: string): boolean {
  return TICKET.test(text);
}

/** The SHA-256 (hex) of a ticket: all of it that is ever stored. */
export function ticketDigest(ticket: string): string {
  return createHash('sha256').update(ticket).digest('hex');
}
