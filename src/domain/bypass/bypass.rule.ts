import { createHash } from 'node:crypto';
import type { Impersonation } from '../impersonation.js';
import { impersonatedName } from '../impersonation.js';
import { CONTAINER_PREFIX } from '../session/debug-container.js';
import type { Session, SessionId } from '../session/session.js';
import { parseSessionId } from '../session/session.js';
import type { ApiCall, ContainerCall } from './container.call.js';

/** How far the clocks of the API server and of the broker may be apart. */
const SKEW_MS = 60_000;
const ID_LENGTH = 16;
/** What `kubectl debug` calls its containers. */
const KUBECTL_PREFIX = 'debugger-';

/** Why a call is none of a session's. */
export type BypassReason = 'another-account' | 'no-session';

export type Verdict =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'bypass'; readonly why: BypassReason; readonly session: Session | null };

/** The session whose container would have this name; undefined where no session's would. */
export function sessionNamed(container: string): SessionId | undefined {
  if (!container.startsWith(CONTAINER_PREFIX)) return undefined;
  const rest = container.slice(CONTAINER_PREFIX.length);
  const isWhole = rest.length === ID_LENGTH || /^-[1-9]\d?\d?$/.test(rest.slice(ID_LENGTH));
  return isWhole ? parseSessionId(rest.slice(0, ID_LENGTH)) : undefined;
}

/** Whether the name alone says that a container is an ephemeral one. */
export function isEphemeralName(container: string): boolean {
  return container.startsWith(CONTAINER_PREFIX) || container.startsWith(KUBECTL_PREFIX);
}

/**
 * Whether the call is a session's: made by the broker's own account as itself, or in the name of the session's requester
 * where it does so in that cluster; in containers of one session, on its Pod, while it was. Anything else went past the
 * broker.
 *
 * @param facts.account the broker's account as the API server names it.
 * @param facts.sessions the sessions that the containers' names tell of, as far as there are such.
 */
export function judge(
  call: ApiCall,
  { containers }: Pick<ContainerCall, 'containers'>,
  facts: {
    readonly cluster: string;
    readonly account: string;
    /** How the broker acts in people's names there; null: it does not. */
    readonly impersonates: Impersonation | null;
    readonly sessions: readonly Session[];
  },
): Verdict {
  const [session = null] = facts.sessions;
  if (call.user.name !== facts.account || !isInOurName(call, session, facts.impersonates))
    return { kind: 'bypass', why: 'another-account', session };
  const isOfSession =
    session !== null &&
    containers.length > 0 &&
    containers.every((it) => sessionNamed(it) === session.id) &&
    isWhereAndWhen(session, call, facts.cluster);
  return isOfSession
    ? { kind: 'session', session }
    : { kind: 'bypass', why: 'no-session', session };
}

function isInOurName(
  { impersonated }: ApiCall,
  session: Session | null,
  impersonates: Impersonation | null,
): boolean {
  if (impersonated === null) return true;
  return (
    impersonates !== null &&
    session !== null &&
    impersonated.groups.includes(impersonates.group) &&
    impersonated.name === impersonatedName(impersonates, session.requester)
  );
}

function isWhereAndWhen(session: Session, call: ApiCall, cluster: string): boolean {
  const { request, pin, startingAt, endedAt } = session;
  const at = call.receivedAt.getTime();
  return (
    request.cluster === cluster &&
    request.namespace === call.namespace &&
    pin?.podName === call.pod &&
    startingAt !== null &&
    at >= startingAt.getTime() - SKEW_MS &&
    (endedAt === null || at <= endedAt.getTime() + SKEW_MS)
  );
}

/**
 * What one call is known by, in each of its stages and however often it is told: SHA-256, hex. The audit id alone would
 * not do: whoever calls may choose it (the header `Audit-ID`), and could hide behind one that was seen before.
 */
export function callKey(cluster: string, call: ApiCall): string {
  const { auditId, verb, uri, user, receivedAt } = call;
  const parts = [cluster, auditId, receivedAt.toISOString(), verb, uri, user.name];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
