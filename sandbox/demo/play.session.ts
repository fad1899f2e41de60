import type { AuditEventView } from '../../src/contract/audit.schema.js';
import type { SessionDetails, SessionStepView } from '../../src/contract/session.schema.js';
import type { Broker } from '../../src/broker.js';
import { ApiClient } from '../broker/api.client.js';
import type { PersonKey } from '../identity/people.js';
import { PEOPLE } from '../identity/people.js';
import type { Sandbox } from '../sandbox.js';
import { bold, columns, dim, say } from './screen.js';

const SECONDS = 10;

/** Plays one session from asking to ended and shows it as it happens. Gives whether it ended as it should. */
export async function playSession(sandbox: Sandbox, broker: Broker): Promise<boolean> {
  const as = async (person: PersonKey): Promise<ApiClient> =>
    new ApiClient(broker.url, await sandbox.identity.tokenFor(PEOPLE[person]), sandbox.tls.caPem);
  const [robin, alex, audrey] = await Promise.all([as('requester'), as('approver'), as('auditor')]);

  say(bold('One session'), '');
  told(
    'robin',
    `asks to debug Deployment checkout in payments for ${SECONDS} s: "orders are stuck"`,
  );
  const asked = await robin.ask({
    namespace: 'payments',
    target: { workload: { kind: 'Deployment', name: 'checkout' } },
    profile: 'shell',
    reason: 'orders are stuck',
    ticket: 'INC-4711',
    durationSeconds: SECONDS,
  });
  for (const sentence of asked.policy.explanation) told('policy', sentence);

  for await (const step of robin.steps(asked.id)) {
    const session = await robin.session(asked.id);
    told(who(step), `${sentenceOf(step, session)}  ${dim(`→ ${step.to}`)}`);
    if (step.to === 'pending')
      await alex.decide(await alex.session(asked.id), 'approve', 'go ahead');
    if (step.event === 'run') showPod(sandbox, session);
  }
  const ended = await robin.session(asked.id);
  showPod(sandbox, ended);
  const events = await audrey.audit(asked.id);
  say('', bold('What the audit log holds of it'), dim('  as audrey, an auditor, reads it'), '');
  say(...columns(events.map(rowOf)).map((line) => `  ${line}`), '');
  return ended.endReason === 'deadline';
}

function sentenceOf({ event, data }: SessionStepView, session: SessionDetails): string {
  const { container, pod, deadline, startedAt, endDetail } = session;
  switch (event) {
    case 'ask':
      return `${session.id} waits for ${session.approvals.needed} of ${session.approvals.groups.join(', ')}`;
    case 'approve':
      return 'consents to what they saw';
    case 'start':
      return `writes down that it starts, then adds container ${container?.name} to Pod ${pod?.name}`;
    case 'run':
      return `sees it run since ${clock(startedAt)}: its time is up at ${clock(deadline)}`;
    case 'note':
      return `has tried its timer: ${container?.timer}`;
    case 'finish':
      return typeof data['detail'] === 'string' ? data['detail'] : 'ended';
    default:
      return endDetail ?? event;
  }
}

function who({ by }: SessionStepView): string {
  return by.kind === 'person' ? by.person.sub : 'broker';
}

/** What the cluster itself says of the container, asked behind the broker's back. */
function showPod({ cluster }: Sandbox, { request, pod, container }: SessionDetails): void {
  const statuses = cluster.pod(request.namespace, pod?.name ?? '')?.status
    .ephemeralContainerStatuses;
  const state = statuses?.find(({ name }) => name === container?.name)?.state;
  told('cluster', dim(`says of ${container?.name}: ${JSON.stringify(state)}`));
}

function rowOf({ at, action, body, leafHash }: AuditEventView): string[] {
  const { actor, outcome } = body as { actor: { sub?: string; replica?: string }; outcome: string };
  return [clock(at), action, outcome, actor.sub ?? 'broker', `sha256:${leafHash.slice(0, 16)}…`];
}

function told(by: string, sentence: string): void {
  say(`  ${dim(clock(new Date().toISOString()))}  ${by.padEnd(8)} ${sentence}`);
}

/** The time of day of an instant, in UTC, to the tenth of a second. */
function clock(instant: string | null): string {
  return instant?.slice(11, 21) ?? '—';
}
