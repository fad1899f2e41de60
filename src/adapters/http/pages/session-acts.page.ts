import { randomUUID } from 'node:crypto';
import type { Html } from '../../../app/views/html.text.js';
import { markup } from '../../../app/views/html.text.js';
import { formToken } from './page.js';
import type { SessionShown } from './session.shown.js';

const EXTENSION = '30m';

/** The forms by which a session is started, extended, ended or revoked, as far as who looks at it may. */
export function actForms(shown: SessionShown): Html {
  const { allowedActions: actions } = shown.session;
  const forms = [
    actions.includes('start') && simple(shown, 'start', 'Start'),
    actions.includes('extend') && extending(shown),
    actions.includes('end') && simple(shown, 'end', isGoingOn(shown) ? 'End' : 'Withdraw'),
    actions.includes('revoke') && revoking(shown),
  ].filter((form) => form !== false);
  return markup`${forms.length > 0 && markup`<h2>Do more</h2>`} ${forms}`;
}

function isGoingOn({ session }: SessionShown): boolean {
  return session.state === 'starting' || session.state === 'active';
}

function simple({ session, token }: SessionShown, act: 'start' | 'end', label: string): Html {
  return markup`<form method="post" action="/sessions/${session.id}/${act}">
    ${formToken(token)}<button>${label}</button>
  </form>`;
}

/** Sent twice it is one extension: its key is new with each page. */
function extending({ session, token, draft }: SessionShown): Html {
  const longest = session.extensions && ` (${session.extensions.longestSeconds} seconds at most)`;
  return markup`<form method="post" action="/sessions/${session.id}/extend">
    ${formToken(token)}<input type="hidden" name="key" value="${randomUUID()}" />
    <label for="duration">Extend it, from now on, for${longest}</label>
    <input id="duration" name="duration" maxlength="30" value="${draft.duration ?? EXTENSION}" />
    <label for="reason">Why, if not as before</label>
    <textarea id="reason" name="reason" rows="2" maxlength="2000">${draft.reason}</textarea>
    <button>Extend</button>
  </form>`;
}

function revoking({ session, token, draft }: SessionShown): Html {
  return markup`<form method="post" action="/sessions/${session.id}/revoke">
    ${formToken(token)}
    <label for="revocation">Why it is to end now</label>
    <textarea id="revocation" name="comment" rows="2" maxlength="2000">${draft.comment}</textarea>
    <button>Revoke</button>
  </form>`;
}
