import type { SessionDetails } from '../../../contract/session.schema.js';
import type { Problem } from '../../../domain/problem.js';
import { PROBLEMS } from '../../../domain/problem.js';
import type { Html } from '../../../app/views/html.text.js';
import { markup } from '../../../app/views/html.text.js';
import { formToken } from './page.js';
import { actForms } from './session-acts.page.js';
import type { SessionShown } from './session.shown.js';

/** What a person sees of a session, and the forms by which they decide, if they may. */
export function sessionBody(shown: SessionShown): Html {
  const { session, profile, refusal } = shown;
  const { request, pod, approvals, policy } = session;
  const rows: readonly (readonly [string, string | null])[] = [
    ['State', stateOf(session)],
    ['Who', nameOf(session.requester)],
    ['Why', request.reason],
    ['Ticket', request.ticket],
    ['Cluster', request.cluster],
    ['Namespace', request.namespace],
    ['Target', targetOf(request.target)],
    ['Pod', pod && `${pod.name} (${pod.uid}) on ${pod.node}`],
    ['Container', request.container],
    ['Profile', profile ? `${request.profile}: ${profile.description}` : request.profile],
    ['Image', session.container?.image ?? profile?.image ?? null],
    ['For', minutes(request.durationSeconds)],
    ['Ends', session.deadline],
    ['Rule', policy.rule],
    ['Break-glass', session.breakGlass ? 'yes: somebody else must review it' : null],
    ['Consents', approvals.needed === 0 ? null : consentsOf(approvals)],
    ['Asked at', session.createdAt],
  ];
  return markup`${refusal && refusalOf(refusal)}
    <dl>${rows.map(([name, text]) => row(name, text))} ${traceRow(shown)}</dl>
    ${saidBy(session)} ${deciding(shown)} ${gettingIn(session)} ${actForms(shown)}`;
}

function refusalOf({ problem, detail, errors = [] }: Problem): Html {
  return markup`<div class="warning" role="alert">
    <p><strong>${PROBLEMS[problem].title}.</strong> ${detail}</p>
    ${errors.map(({ path, message }) => markup`<p>${path.replace(/^\//, '')} ${message}</p>`)}
  </div>`;
}

function row(name: string, text: string | null): Html {
  return markup`${
    text !== null &&
    markup`<dt>${name}</dt>
      <dd><bdi>${text}</bdi></dd>`
  }`;
}

function traceRow({ trace }: SessionShown): Html {
  return markup`${
    trace !== null &&
    markup`<dt>Trace</dt>
      <dd>${trace.href === undefined ? trace.id : markup`<a href="${trace.href}">${trace.id}</a>`}</dd>`
  }`;
}

function stateOf({ state, endReason, endDetail }: SessionDetails): string {
  return [state, endReason, endDetail].filter((it) => it !== null).join(': ');
}

function nameOf({ sub, name, email }: SessionDetails['requester']): string {
  return [name, email, sub].filter((it) => it !== undefined).join(', ');
}

function targetOf(target: SessionDetails['request']['target']): string {
  return 'pod' in target ? `Pod ${target.pod}` : `${target.workload.kind} ${target.workload.name}`;
}

function minutes(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`;
}

function consentsOf({ given, needed, open }: SessionDetails['approvals']): string {
  const wanted = open.map(
    ({ count, groups, users }) => `${count} of ${[...groups, ...users].join(', ')}`,
  );
  const by = given.length === 0 ? '' : ` (${given.join(', ')})`;
  return `${given.length} of ${needed}${by}${wanted.length === 0 ? '' : `; still needed: ${wanted.join('; ')}`}`;
}

function saidBy({ decisions }: SessionDetails): Html {
  const items = decisions.map(
    (decision) =>
      markup`<li>
        ${decision.at}: ${decision.verdict} by
        <bdi>${decision.person ? nameOf(decision.person) : 'policy'}</bdi
        >${decision.comment !== null && markup`: <bdi>${decision.comment}</bdi>`}
      </li>`,
  );
  return markup`${
    items.length > 0 &&
    markup`<h2>What was decided</h2>
      <ol>
        ${items}
      </ol>`
  }`;
}

const VERDICTS = [
  ['approve', 'Approve'],
  ['deny', 'Deny'],
  ['retract', 'Take my consent back'],
] as const;

/** The version that is shown is the one that is decided about. What was written and has no form any more is shown. */
function deciding({ session, token, signInLacks, draft }: SessionShown): Html {
  const { id, version, allowedActions, approvals } = session;
  const mayApprove = allowedActions.includes('approve');
  const buttons = VERDICTS.filter(
    ([verdict]) =>
      allowedActions.includes(verdict) && (verdict !== 'approve' || signInLacks === null),
  ).map(([verdict, label]) => markup`<button name="verdict" value="${verdict}">${label}</button>`);
  if (buttons.length === 0 && !mayApprove) {
    const { comment } = draft;
    return markup`${
      comment !== undefined &&
      markup`<h2>What you wrote</h2>
        <pre>${comment}</pre>`
    }`;
  }
  return markup`<h2>Decide</h2>
    ${mayApprove && signInLacks !== null && signingIn(id, signInLacks)}
    ${
      buttons.length > 0 &&
      markup`<form method="post" action="/sessions/${id}/decisions">
        ${formToken(token)}<input type="hidden" name="version" value="${version}" />
        <label for="comment"
          >Comment${approvals.commentRequired && ' (a consent must say why)'}</label
        >
        <textarea id="comment" name="comment" rows="3" maxlength="2000">${draft.comment}</textarea>
        ${buttons}
      </form>`
    }`;
}

/** Instead of the button: a consent is never given by coming back. */
function signingIn(id: string, lacks: string): Html {
  return markup`<div class="warning">
    <p>${lacks}.</p>
    <p>
      <a href="/sessions/${id}/sign-in">Sign in again to approve</a>: you come back to this page and
      decide then. Where it says the same afterwards, your identity provider does not sign you in
      like that.
    </p>
  </div>`;
}

function gettingIn({ id, links }: SessionDetails): Html {
  return markup`${
    links.terminal !== null &&
    markup` <h2>Get in</h2>
      <pre>hallpass connect ${id}</pre>`
  }`;
}
