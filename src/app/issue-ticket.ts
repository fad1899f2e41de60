import { sameAccount } from '../domain/person.js';
import type { Permission } from '../domain/permission.js';
import { permits } from '../domain/permission.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { TicketKind } from '../domain/ticket.js';
import { newTicket, TICKET_SECONDS, ticketDigest } from '../domain/ticket.js';
import type { Caller } from './caller.js';
import { maySee, personOf } from './caller.js';
import { SessionStore } from './ports/session.store.js';
import { TicketStore } from './ports/ticket.store.js';
import { absent } from './read-session.js';
import { isEnterable, mayWatch } from './watchers.js';

/** How many tickets one account may hold unused: some windows that open at once. */
const OPEN_MAX = 20;

/** What a ticket of each kind needs. */
const PERMISSION_OF_KIND = {
  terminal: 'session:use',
  watch: 'session:watch',
} as const satisfies Record<TicketKind, Permission>;

export interface IssuedTicket {
  /** The only copy: what is stored is its digest. */
  readonly ticket: string;
  readonly expiresAt: Date;
}

/** A ticket with which a connection is opened where no access token can be sent. */
export class IssueTicket {
  constructor(
    private readonly deps: { readonly store: SessionStore; readonly tickets: TicketStore },
  ) {}

  /**
   * Authority is checked before state, so that a stranger learns nothing of it.
   *
   * @returns the ticket; `not-found` for strangers, `forbidden` for who may only see the session, `not-running` where
   * it cannot be entered any more, or yet; `too-many-requests` where the account holds too many.
   */
  async issue(caller: Caller, id: SessionId, kind: TicketKind): Promise<IssuedTicket | Problem> {
    const session = await this.deps.store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    const refusal = REFUSALS[kind](caller, session) ?? stateRefusal(session);
    if (refusal) return refusal;
    const ticket = newTicket();
    const { person, signIn, channel, address } = caller.actor;
    const expiresAt = await this.deps.tickets.add(
      {
        digest: ticketDigest(ticket),
        session: id,
        kind,
        bearer: { person, signIn, channel, ...(address === undefined ? {} : { address }) },
        seconds: TICKET_SECONDS,
      },
      OPEN_MAX,
    );
    if (expiresAt) return { ticket, expiresAt };
    return problem(
      'too-many-requests',
      `You hold ${OPEN_MAX} tickets that were not used: use them, or wait until they expire.`,
      { retryAfterSeconds: TICKET_SECONDS },
    );
  }
}

const REFUSALS = {
  terminal: (caller, session) =>
    sameAccount(session.requester, personOf(caller))
      ? lacks(caller, 'terminal')
      : problem('forbidden', `Only who asked for the session ${session.id} may enter it.`),
  watch: (caller, session) =>
    lacks(caller, 'watch') ??
    (mayWatch({ person: personOf(caller), roles: caller.roles }, session)
      ? undefined
      : problem(
          'forbidden',
          `Only approvers of the session ${session.id} and auditors may watch it, and never who asked for it.`,
        )),
} as const satisfies Record<TicketKind, (caller: Caller, session: Session) => Problem | undefined>;

function lacks(caller: Caller, kind: TicketKind): Problem | undefined {
  const permission = PERMISSION_OF_KIND[kind];
  return permits(caller.roles, permission)
    ? undefined
    : problem('forbidden', `This needs the permission "${permission}".`);
}

/** Why a session cannot be entered or watched as it stands. */
export function stateRefusal(session: Session): Problem | undefined {
  const { id, state } = session;
  if (isEnterable(session)) return undefined;
  return problem(
    'not-running',
    state === 'pending'
      ? `The session ${id} waits for consents: it can be entered once it is approved.`
      : `The session ${id} is ${state}: nothing runs in it any more.`,
  );
}
