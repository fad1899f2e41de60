import type { SessionDetails, SessionView } from '../../contract/session.schema.js';
import type { State } from '../../domain/session/session.machine.js';
import type { Moment } from './person.time.js';
import { distanceText, lengthText, timeText } from './person.time.js';
import type { Line, Span, Style, Styled } from './styled.text.js';
import { facts, styled, table } from './styled.text.js';

const STATE_STYLES = {
  pending: 'yellow',
  approved: 'green',
  denied: 'red',
  starting: 'cyan',
  active: 'green',
  ending: 'yellow',
  ended: 'dim',
} as const satisfies Record<State, Style>;

export function stateSpan({ state }: Pick<SessionView, 'state'>): Styled {
  return styled(STATE_STYLES[state], state);
}

/** `Robin Requester (robin)`, or what of it there is. */
export function personText(person: { sub: string; name?: string; email?: string }): string {
  const name = person.name ?? person.email;
  return name === undefined ? person.sub : `${name} (${person.sub})`;
}

/** The Pod that was chosen, or what was asked for where none was. */
export function targetText({ pod, request }: Pick<SessionView, 'pod' | 'request'>): string {
  const { target, cluster, namespace, container } = request;
  const asked =
    'pod' in target
      ? `pod/${target.pod}`
      : `${target.workload.kind.toLowerCase()}/${target.workload.name}`;
  const what = pod === null ? asked : `pod/${pod.name}`;
  return `${cluster}/${namespace} ${what}${container === null ? '' : `, container ${container}`}`;
}

/** When it ends, or ended, or lapses. */
function untilText(session: SessionView, moment: Moment): string {
  const { endedAt, deadline, lapsesAt } = session;
  if (endedAt !== null) return `ended ${distanceText(new Date(endedAt), moment.now)}`;
  if (deadline !== null) return `ends ${distanceText(new Date(deadline), moment.now)}`;
  return lapsesAt === null ? '' : `lapses ${distanceText(new Date(lapsesAt), moment.now)}`;
}

/** Sessions as a table; `wide` has all that is worth a column. */
export function sessionTable(
  sessions: readonly SessionView[],
  { moment, wide }: { readonly moment: Moment; readonly wide: boolean },
): Line[] {
  const heads = ['ID', 'STATE', 'WHO', 'WHERE', 'PROFILE', 'ASKED', 'UNTIL'];
  const more = ['TICKET', 'RULE', 'REASON'];
  const rows = sessions.map((it): Span[] => [
    it.id,
    stateSpan(it),
    wide ? personText(it.requester) : it.requester.sub,
    targetText(it),
    it.request.profile,
    distanceText(new Date(it.createdAt), moment.now),
    untilText(it, moment),
    ...(wide ? [it.request.ticket ?? '', it.policy.rule ?? '', it.request.reason] : []),
  ]);
  return table(wide ? [...heads, ...more] : heads, rows);
}

/** All of one session, for people. */
export function sessionLines(session: SessionDetails, moment: Moment): Line[] {
  const { request, approvals, terms, container } = session;
  const at = (time: string | null): string | undefined =>
    time === null ? undefined : timeText(time, moment);
  return [
    ...facts([
      ['session', session.id],
      ['state', [stateSpan(session), session.breakGlass ? ' (break-glass)' : '']],
      ['who', personText(session.requester)],
      ['where', targetText(session)],
      ['profile', request.profile],
      ['image', container?.image],
      ['for', lengthText(request.durationSeconds)],
      ['reason', request.reason],
      ['ticket', request.ticket ?? undefined],
      ['rule', session.policy.rule ?? undefined],
      ['consents', approvals.needed > 0 ? consentsText(session) : undefined],
      ['recording', terms?.recording],
      ['watcher', terms?.watcher === 'required' ? 'required' : undefined],
      ['ways in', terms ? waysText(terms) : undefined],
      ['idle limit', terms?.idleSeconds ? lengthText(terms.idleSeconds) : undefined],
      ['watching', session.watching.map(({ person }) => personText(person)).join(', ')],
      ['extensions', session.extensions === null ? undefined : extensionsText(session.extensions)],
      ['asked', at(session.createdAt)],
      ['lapses', at(session.lapsesAt)],
      ['started', at(session.startedAt)],
      ['deadline', at(session.endedAt === null ? session.deadline : null)],
      ['ended', at(session.endedAt)],
      ['why', session.endReason ?? undefined],
      ['', session.endDetail ?? undefined],
      ['you may', session.allowedActions.join(', ')],
    ]),
    ...session.policy.explanation.map((sentence) => `  ${sentence}`),
    ...session.decisions
      .filter(({ by }) => by === 'person')
      .map(
        ({ person, verdict, comment, at: time }) =>
          `  ${person === null ? 'somebody' : personText(person)}: ${verdict}, ${timeText(time, moment)}${comment === null ? '' : `: ${comment}`}`,
      ),
  ];
}

function waysText(terms: NonNullable<SessionDetails['terms']>): string {
  const copies =
    terms.fileCopies === 'none' ? 'no file copies' : `file copies: ${terms.fileCopies}`;
  const ports = terms.portForward ? 'ports may be forwarded' : 'no port-forward';
  return `${terms.ways.join(', ')}; ${copies}; ${ports}`;
}

function extensionsText({
  done,
  left,
  longestSeconds,
  underWay,
}: NonNullable<SessionView['extensions']>): string {
  const now = underWay === null ? '' : `, one under way to ${lengthText(underWay.durationSeconds)}`;
  return `${done} so far, ${left} left, ${lengthText(longestSeconds)} each${now}`;
}

function consentsText({ approvals }: SessionView): string {
  const given = approvals.given.length === 0 ? '' : ` (given by ${approvals.given.join(', ')})`;
  const open = approvals.open.map(wantedText);
  return open.length === 0
    ? `${approvals.needed} of ${approvals.needed}${given}`
    : `still needed: ${open.join('; ')}${given}`;
}

/** `2 of payments-leads or alex`. */
export function wantedText({
  count,
  groups,
  users,
}: SessionView['approvals']['open'][number]): string {
  const people = [...groups, ...users];
  return `${count} of ${people.length === 0 ? 'nobody' : people.join(' or ')}`;
}

/** What is waited for, and of whom: honest, and short enough for a line. */
export function waitingText(session: SessionDetails, moment: Moment): string {
  const { approvals, state, lapsesAt, id } = session;
  const lapses =
    lapsesAt === null ? '' : `; it lapses ${distanceText(new Date(lapsesAt), moment.now)}`;
  switch (state) {
    case 'pending': {
      const of = approvals.open.map(wantedText).join(' and ');
      const given =
        approvals.given.length === 0 ? '' : `, consents so far: ${approvals.given.join(', ')}`;
      const wider = approvals.escalatedAt === null ? '' : ', more people were asked';
      return `${id} is pending: it waits for the consent of ${of}${given}${wider}${lapses}`;
    }
    case 'approved':
      return `${id} is approved: its container is about to be started${lapses}`;
    case 'starting':
      return `${id} is starting: the cluster starts its container`;
    case 'active':
      return `${id} is active`;
    case 'ending':
      return `${id} is ending: the cluster ends its container`;
    case 'denied':
    case 'ended':
      return overText(session);
  }
}

/** Nothing new was asked for: what of the request does not count. */
export function alikeText({ request: { durationSeconds, reason } }: SessionView): string {
  return (
    'You have a session like that, on the same target and with the same profile, and nothing new is asked for. ' +
    `It is as you asked for it then: for ${lengthText(durationSeconds)}, "${reason}".`
  );
}

/** Why a session is over, in a sentence. */
export function overText({
  id,
  state,
  endReason,
  endDetail,
  policy,
  decisions,
}: SessionDetails): string {
  if (state === 'denied') {
    const denial = decisions.find(({ verdict }) => verdict === 'deny');
    const by = denial?.person ? ` by ${personText(denial.person)}` : ' by policy';
    const why = denial ? (denial.comment ?? endDetail) : policy.explanation.join(' ');
    return `${id} was denied${by}${why === null || why === '' ? '.' : `: ${why}`}`;
  }
  return `${id} is over (${endReason ?? state})${endDetail === null ? '.' : `: ${endDetail}`}`;
}
