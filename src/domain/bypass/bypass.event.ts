import { auditEntry } from '../audit/entry.js';
import type { AuditEntry } from '../audit/entry.js';
import { plainText } from '../text.js';
import type { Verdict } from './bypass.rule.js';
import type { ApiCall, ApiUser, ContainerCall } from './container.call.js';

const NAME_MAX = 300;
const GROUPS_MAX = 50;
const WORDS_MAX = 50;
const ADDRESSES_MAX = 10;
const CONTAINERS_MAX = 50;
const USES = { added: 'container-added', exec: 'exec', attach: 'attach' } as const;

/** What was seen in a cluster, in words that are bounded and can be stored: a stranger chose most of them. */
export function seenFacts(
  cluster: string,
  call: ApiCall,
  { kind, containers, command }: ContainerCall,
): Readonly<Record<string, unknown>> {
  return {
    auditId: short(call.auditId),
    use: USES[kind],
    cluster,
    namespace: short(call.namespace),
    pod: short(call.pod),
    containers: containers.slice(0, CONTAINERS_MAX).map(short),
    command: command.length === 0 ? undefined : command.slice(0, WORDS_MAX).map(short),
    user: userFacts(call.user),
    impersonated: call.impersonated === null ? undefined : userFacts(call.impersonated),
    addresses: call.addresses.slice(0, ADDRESSES_MAX).map(short),
    agent: short(call.agent),
    receivedAt: call.receivedAt.toISOString(),
  };
}

/** The audit event of a verdict: `bypass.found`, or `kubernetes.seen` of the session that it belongs to. */
export function verdictEntry(
  verdict: Verdict,
  seen: Readonly<Record<string, unknown>>,
  { at, replica }: { readonly at: Date; readonly replica: string },
): AuditEntry {
  const isBypass = verdict.kind === 'bypass';
  return auditEntry({
    at,
    action: isBypass ? 'bypass.found' : 'kubernetes.seen',
    outcome: 'success',
    actor: { kind: 'system', replica },
    ...(verdict.session ? { session: verdict.session } : {}),
    data: isBypass ? { severity: 'high', why: verdict.why, ...seen } : seen,
  });
}

function userFacts({ name, groups }: ApiUser): Readonly<Record<string, unknown>> {
  return { name: short(name), groups: groups.slice(0, GROUPS_MAX).map(short) };
}

function short(text: string): string {
  return plainText(text, NAME_MAX);
}
