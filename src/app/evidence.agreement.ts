import type { EvidenceRecord } from '../contract/evidence.schema.js';
import type { Json } from '../domain/audit/canonical.js';
import type { Fields, LoggedEvent } from '../domain/audit/logged.event.js';
import { textOf, within } from '../domain/audit/logged.event.js';
import type { EvidenceCase } from './verify-evidence.js';

const FINAL: ReadonlySet<string> = new Set(['denied', 'ended']);

type Said = Json | undefined;

/** What `session.json` says otherwise than the events do, a clause each: `says that …`. */
export function* disagreements(
  record: EvidenceRecord,
  { events, dropped }: EvidenceCase,
): Generator<string> {
  const { session } = record;
  const steps = events.filter(({ fields }) => isStep(fields));
  const [first, last] = [steps.at(0), steps.at(-1)];
  const taking = events.at(-1);
  if (last === undefined || first === undefined || taking === undefined) {
    if (dropped === 0) yield 'tells of a session, and no event does';
    return;
  }
  const data = within(last.fields, 'data');
  const target = within(last.fields, 'target');
  const policy = within(last.fields, 'policy');
  const by = within(taking.fields, 'actor');
  const ownSteps = dropped > 0 ? [] : [first];
  yield* differing([
    ['it was taken at', record.takenAt, textOf(taking.fields, 'time')],
    ['it was taken by', record.takenBy.sub, by['sub']],
    ['who took it is of', record.takenBy.iss, by['iss']],
    ['the session is', session.id, taking.fields['session']],
    ['the version is', session.version, data['version']],
    ['the state is', session.state, data['to']],
    ['it is over', record.isOver, FINAL.has(textOf(data, 'to') ?? '')],
    ['the requester is', session.requester.sub, within(data, 'requester')['sub']],
    ['the requester is of', session.requester.iss, within(data, 'requester')['iss']],
    ['the cluster is', session.request.cluster, target['cluster']],
    ['the namespace is', session.request.namespace, target['namespace']],
    ['the profile is', session.request.profile, target['profile']],
    ['the container is', session.request.container, target['container'] ?? null],
    ['the reason is', session.request.reason, last.fields['reason']],
    ['the ticket is', session.request.ticket, last.fields['ticket'] ?? null],
    ['it was asked for so many seconds:', session.request.durationSeconds, data['durationSeconds']],
    ['the glass was broken', session.request.breakGlass, last.fields['breakGlass'] ?? false],
    ['the Pod is', session.pod?.name ?? null, target['pod'] ?? null],
    ['the uid of the Pod is', session.pod?.uid ?? null, target['podUid'] ?? null],
    ['the node is', session.pod?.node ?? null, target['node'] ?? null],
    ['the policy version is', session.policy?.version ?? null, policy['version'] ?? null],
    ['the rule is', session.policy?.rule ?? null, policy['rule'] ?? null],
    ['the debug container is', session.container?.name ?? null, target['debugContainer'] ?? null],
    ['the image is', session.container?.image ?? null, target['image'] ?? null],
    ['the image that ran is', session.container?.imageId ?? null, target['imageId'] ?? null],
    ['the deadline is', session.deadline, data['deadline'] ?? null],
    ['the reason of the end is', session.endReason, data['endReason'] ?? null],
    ['of the end it is told', session.endDetail, data['endDetail'] ?? null],
    ['it ended at', session.endedAt, record.isOver ? textOf(last.fields, 'time') : null],
    ...ownSteps.map(
      ({ fields }) => ['it was made at', session.createdAt, textOf(fields, 'time')] as const,
    ),
  ]);
  yield* ofDecisions(record, { events, dropped });
  yield* ofRecordings(record, events);
  yield* ofReview(record, events);
}

function* differing(pairs: readonly (readonly [string, Said, Said])[]): Generator<string> {
  for (const [what, said, told] of pairs) {
    if (said !== told) {
      yield `says that ${what} ${short(said)}, and the events say ${short(told)}`;
    }
  }
}

/** Every decision has its event, and every event that decided its decision. */
function* ofDecisions(
  { decisions }: EvidenceRecord,
  { events, dropped }: Pick<EvidenceCase, 'events' | 'dropped'>,
): Generator<string> {
  const byId = new Map(events.map((it) => [textOf(it.fields, 'decision'), it.fields] as const));
  for (const it of decisions) {
    const fields = byId.get(it.id);
    if (fields === undefined) {
      if (dropped === 0) yield `tells of a decision ${it.id} that no event tells of`;
      continue;
    }
    const [data, actor, policy] = ['data', 'actor', 'policy'].map((name) => within(fields, name));
    const version = data?.['policy'] ?? policy?.['version'] ?? null;
    yield* differing([
      [`the decision ${it.id} was made at`, it.at, textOf(fields, 'time')],
      [`its policy version is`, it.policyVersion, it.policyVersion === null ? null : version],
      ...(it.person
        ? ([
            [`it was said by`, it.person.sub, actor?.['sub']],
            [`who said it is of`, it.person.iss, actor?.['iss']],
            [`they said with it`, it.comment, data?.['comment'] ?? null],
            [`it is one of`, it.verdict, VERDICTS[textOf(fields, 'action') ?? '']],
          ] as const)
        : ([[`its rule is`, it.rule, data?.['rule'] ?? policy?.['rule'] ?? null]] as const)),
    ]);
  }
  const known = new Set(decisions.map(({ id }) => id));
  for (const { index, fields } of events) {
    const id = textOf(fields, 'decision');
    if (id !== undefined && !known.has(id)) yield `leaves out the decision of event ${index}`;
  }
}

const VERDICTS: Readonly<Record<string, string>> = {
  'session.consent': 'approve',
  'session.approve': 'approve',
  'session.deny': 'deny',
  'session.retract': 'retract',
};

/** Every recording that was begun is told of. */
function* ofRecordings(
  { recordings }: EvidenceRecord,
  events: readonly LoggedEvent[],
): Generator<string> {
  const known = new Set(recordings.map(({ id }) => id));
  const begun = new Set<string>();
  for (const { fields } of events) {
    const id = textOf(within(fields, 'data'), 'recording');
    if (id === undefined || textOf(fields, 'action') !== 'recording.started') continue;
    begun.add(id);
    if (!known.has(id)) yield `leaves out the recording ${id}`;
  }
  for (const id of known)
    if (!begun.has(id)) yield `tells of a recording ${id} that no event began`;
}

function* ofReview({ review }: EvidenceRecord, events: readonly LoggedEvent[]): Generator<string> {
  const event = events.find(({ fields }) => textOf(fields, 'action') === 'session.review');
  const data = within(event?.fields ?? {}, 'data');
  const actor = within(event?.fields ?? {}, 'actor');
  yield* differing([
    ['the finding is', review?.finding ?? null, data['finding'] ?? null],
    ['the reviewer said', review?.comment ?? null, data['comment'] ?? null],
    ['the reviewer is', review?.reviewer?.sub ?? null, event ? actor['sub'] : null],
  ]);
}

/** Steps have a state that they are from. */
function isStep(fields: Fields): boolean {
  return typeof within(fields, 'data')['from'] === 'string';
}

function short(value: Said): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
