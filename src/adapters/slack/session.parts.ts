import type { SlackBlock } from '../../app/ports/slack.api.js';
import type { SlackStory } from '../../app/ports/post.renderer.js';
import { displayName } from '../../domain/person.js';
import type { Grant, SecurityContext } from '../../domain/policy/policy.js';
import type { Session } from '../../domain/session/session.js';
import { fields } from './slack.blocks.js';
import { fieldOf, isTrue, listOf } from './slack.answer.js';
import { code, escaped, length } from './slack.text.js';

/** `payments/checkout-7d9f`: for headers and for the text of notifications. Not escaped. */
export function targetOf({ request, pin }: Session): string {
  return `${request.namespace}/${pin?.podName ?? request.target.name}`;
}

/** Who asks. Escaped. */
export function requesterOf({ requester }: Session): string {
  const named = requester.name !== undefined && requester.name !== displayName(requester);
  return `${code(displayName(requester), 200)}${named ? ` (${code(requester.name, 200)})` : ''}`;
}

/** Where and for how long, and by which rule. */
export function facts({ session, decisions }: SlackStory): SlackBlock {
  const { request, pin, grant } = session;
  const found = decisions.find(({ by }) => by === 'policy')?.facts?.target.found ?? null;
  const owner = found?.pod ? found.owner : null;
  const container = found?.pod
    ? found.containers.find(({ name }) => name === request.container)
    : undefined;
  const image = container && `${container.image} ${container.digest}`.trim();
  return fields([
    ['Cluster and namespace', code(`${request.cluster} / ${request.namespace}`)],
    ['Pod', code(pin?.podName ?? request.target.name)],
    ['Workload', owner ? code(`${owner.kind} ${owner.name}`) : '–'],
    [
      'Container',
      request.container === undefined ? 'none: processes of its own' : code(request.container),
    ],
    ...(image === undefined ? [] : ([['Image of the container', code(image, 500)]] as const)),
    ['For', length(request.durationSeconds)],
    ['Ticket', request.ticket === undefined ? '–' : code(request.ticket)],
    ['Rule', grant === null ? '–' : code(grant.rule)],
  ]);
}

/** What the profile is and what it can do. Escaped. */
export function profileText(grant: Grant): string {
  const { profile, terms } = grant;
  const copies =
    terms.fileCopies === 'none' ? 'no files copied' : `files copied: ${terms.fileCopies}`;
  const ports = terms.portForward ? 'ports forwarded' : 'no ports forwarded';
  const described = profile.description === '' ? '' : ` – ${escaped(profile.description, 300)}`;
  return (
    `*Profile* ${code(profile.name)}${described}\n${code(profile.image, 500)}\n` +
    `${powers(profile.securityContext)}; ${copies}; ${ports}; recorded (${terms.recording})`
  );
}

/** What its security context lets it do, in words: what it says, and of what it does not say nothing. Escaped. */
function powers(context: SecurityContext | null): string {
  if (isTrue(context, 'privileged')) return ':warning: *privileged*: as root on the node';
  const named = (which: 'add' | 'drop') =>
    (listOf(context, 'capabilities', which) ?? []).filter((it) => typeof it === 'string');
  const [added, dropped] = [named('add'), named('drop')];
  const user = fieldOf(context, 'runAsUser');
  const [root, unconfined] = [user === 0, UNCONFINED.filter((at) => isUnconfined(context, at))];
  const told = [
    ...(root ? [':warning: as root'] : []),
    ...(typeof user === 'number' && !root ? [`as user ${user}`] : []),
    ...(isTrue(context, 'runAsNonRoot') ? ['never as root'] : []),
    ...(user === undefined && !isTrue(context, 'runAsNonRoot')
      ? ['as the user of its image, which may be root']
      : []),
    ...(added.length > 0 ? [`:warning: with ${code(added.join(', '), 200)}`] : []),
    ...(dropped.length > 0 ? [`without ${code(dropped.join(', '), 200)}`] : []),
    ...(isTrue(context, 'allowPrivilegeEscalation') ? ['may get more rights'] : []),
    ...(fieldOf(context, 'allowPrivilegeEscalation') === false ? ['gets no more rights'] : []),
    ...unconfined.map((at) => `:warning: ${at.name} unconfined`),
  ];
  return told.join(', ');
}

const UNCONFINED = [
  { name: 'seccomp', path: ['seccompProfile', 'type'], says: 'Unconfined' },
  { name: 'AppArmor', path: ['appArmorProfile', 'type'], says: 'Unconfined' },
  { name: '/proc', path: ['procMount'], says: 'Unmasked' },
] as const;

function isUnconfined(
  context: SecurityContext | null,
  { path, says }: (typeof UNCONFINED)[number],
): boolean {
  return fieldOf(context, ...path) === says;
}

/** What this person, and others on this Pod, did before they asked. */
export function historyText({ decisions }: SlackStory): string | undefined {
  const history = decisions.find(({ by }) => by === 'policy')?.facts?.history;
  if (history === undefined) return undefined;
  const { mine, target, overdueReviews } = history;
  const overdue =
    overdueReviews.mine > 0 ? ` · :warning: ${overdueReviews.mine} overdue review(s)` : '';
  return (
    `Before this: ${mine.lastDay} session(s) of theirs in a day, ${mine.lastWeek} in a week, ` +
    `${target.lastWeek} on this Pod in a week${overdue}`
  );
}
