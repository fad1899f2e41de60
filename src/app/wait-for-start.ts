import { quorum } from '../domain/approval/quorum.js';
import type { Requirement } from '../domain/policy/policy.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import { askedOf, standing } from '../domain/session/session.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { Gate } from './gate.js';
import { SessionNews } from './ports/session.news.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';

/** News may be lost: it is looked at least this often. */
const LOOK_MS = 1_000;
/** Starting by itself takes the broker a moment; after so long something is wrong with it. */
const APPROVED_MS = 30_000;

/** Waits for a session that is about to start. */
export class WaitForStart {
  constructor(
    private readonly deps: { readonly store: SessionStore; readonly news: SessionNews },
  ) {}

  /**
   * @param mayWait why this session is not to be waited for, whatever its state.
   * @returns the session, starting or active; what `mayWait` says; `not-running`; `container-not-ready` where `signal`
   * aborted.
   */
  async until(
    id: SessionId,
    args: {
      readonly signal: AbortSignal;
      readonly mayWait: (session: Session | undefined) => Problem | undefined;
    },
  ): Promise<Session | Problem> {
    const { signal, mayWait } = args;
    const news = new Gate(false);
    const wake = () => news.wake();
    const unsubscribe = this.deps.news.subscribe((heard) => (heard === id ? wake() : undefined));
    signal.addEventListener('abort', wake);
    const until = performance.now() + APPROVED_MS;
    try {
      while (!signal.aborted && performance.now() < until) {
        const heard = news.waits();
        const session = await this.deps.store.find(id);
        const refusal = mayWait(session);
        if (refusal) return refusal;
        if (!session) return absent(id);
        if (session.state === 'starting' || session.state === 'active') return session;
        if (session.state !== 'approved' || session.request.start === 'manual') {
          return problem('not-running', await this.whyNot(session));
        }
        const timer = setTimeout(wake, LOOK_MS);
        await heard;
        clearTimeout(timer);
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    }
    return problem('container-not-ready', `The session ${id} did not start in time. Try again.`);
  }

  private async whyNot(session: Session): Promise<string> {
    const { id, endDetail } = session;
    switch (session.state) {
      case 'pending': {
        const consents = standing(await this.deps.store.consents(id));
        const { open } = quorum(askedOf(session), session.requester, consents);
        return `The session ${id} waits for ${open.map(wanted).join(', and ')}.`;
      }
      case 'denied':
        return `The session ${id} was refused. ${endDetail ?? ''}`.trimEnd();
      case 'ending':
      case 'ended':
        return `The session ${id} is over. ${endDetail ?? ''}`.trimEnd();
      case 'approved':
      case 'starting':
      case 'active':
        return `The session ${id} waits until it is started.`;
    }
  }
}

function wanted({ count, groups, users }: Requirement): string {
  const people = [...groups.map((group) => `the group ${group}`), ...users].join(' or ');
  return `the consent of ${count === 1 ? 'somebody' : `${count} people`} of ${people}`;
}
