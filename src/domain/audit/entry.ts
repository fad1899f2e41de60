import { randomUUID } from 'node:crypto';
import type { Actor } from '../person.js';
import type { Session } from '../session/session.js';
import type { Traceparent } from '../traceparent.js';
import { canonicalJson } from './canonical.js';
import type { EventAction } from './event.kinds.js';
import { leafHashOf } from './merkle.tree.js';

export const AUDIT_SCHEMA_VERSION = '1.3';

/** One thing that happened, ready to be written: the body's bytes are what is hashed, now and for ever. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly sessionId: string | null;
  /** Canonical JSON (RFC 8785), UTF-8, at most {@link BODY_BYTES_MAX} bytes. */
  readonly body: Buffer;
  /** SHA-256 of 0x00 and the body: the leaf of an RFC 6962 tree (§2.1). */
  readonly leafHash: Buffer;
}

/** C2SP tlog-tiles gives an entry's length as a uint16. */
export const BODY_BYTES_MAX = 65_535;

export type Outcome = 'success' | 'failure' | 'denied';

/** What an entry tells, besides what it takes from the session. */
export interface AuditFacts {
  readonly at: Date;
  readonly action: EventAction;
  readonly outcome: Outcome;
  readonly actor: Actor;
  readonly session?: Session;
  readonly decisionId?: string;
  /** More about this one action, as plain JSON. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Makes an entry. Times are RFC 3339 in UTC with milliseconds; an actor is `iss` and `sub`, never an e-mail alone.
 *
 * @throws Error where the body would be larger than {@link BODY_BYTES_MAX}: inputs are bounded so that it cannot be.
 */
export function auditEntry(facts: AuditFacts): AuditEntry {
  const id = randomUUID();
  const { session } = facts;
  const body = Buffer.from(
    canonicalJson({
      id,
      schema: AUDIT_SCHEMA_VERSION,
      time: facts.at.toISOString(),
      action: facts.action,
      outcome: facts.outcome,
      actor: actorFacts(facts.actor),
      session: session?.id,
      decision: facts.decisionId,
      target: session ? targetFacts(session) : undefined,
      policy: session?.grant
        ? { version: session.grant.policyHash, rule: session.grant.rule }
        : undefined,
      // Marked on every step of it, so that nobody need know how it began.
      breakGlass: session?.request.breakGlass === true ? true : undefined,
      reason: session?.request.reason,
      ticket: session?.request.ticket,
      // Since 1.3. Of the request; of what the broker does by itself, the session's.
      traceparent: traceparentOf(facts),
      data: facts.data,
    }),
  );
  if (body.length > BODY_BYTES_MAX)
    throw new Error(`audit body of ${body.length} bytes is too large`);
  const leafHash = leafHashOf(body);
  return { id, at: facts.at, action: facts.action, sessionId: session?.id ?? null, body, leafHash };
}

function traceparentOf({ actor, session }: AuditFacts): Traceparent | undefined {
  const own = actor.kind === 'person' ? actor.traceparent : undefined;
  return own ?? (actor.kind === 'system' ? session?.traceparent : undefined) ?? undefined;
}

function actorFacts(actor: Actor): Record<string, unknown> {
  if (actor.kind === 'system') return { kind: 'system', replica: actor.replica, channel: 'system' };
  const { person, signIn } = actor;
  return {
    kind: 'person',
    iss: person.iss,
    sub: person.sub,
    email: person.email,
    groups: person.groups,
    acr: signIn.acr,
    amr: signIn.amr,
    auth_time: signIn.authTime,
    channel: actor.channel,
    address: actor.address,
    request: actor.requestId,
    // Since 1.2. The account in Slack, by which the channel's person was found.
    slack: actor.slack ? { team: actor.slack.teamId, user: actor.slack.userId } : undefined,
  };
}

function targetFacts({ request, pin, container }: Session): Record<string, unknown> {
  return {
    cluster: request.cluster,
    namespace: request.namespace,
    // Since 1.1. What was asked for, where it was not one Pod by its name.
    workload:
      request.target.kind === 'workload'
        ? `${request.target.workload}/${request.target.name}`
        : undefined,
    pod: pin?.podName,
    podUid: pin?.podUid,
    node: pin?.nodeName,
    container: request.container,
    debugContainer: container?.name,
    image: container?.image,
    imageId: container?.imageId,
    profile: request.profile,
  };
}
