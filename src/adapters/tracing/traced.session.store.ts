import { SessionStore } from '../../app/ports/session.store.js';
import type { Step } from '../../app/ports/session.store.js';
import type { Tracer } from '../../app/ports/tracer.js';
import type { Problem } from '../../domain/problem.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/**
 * Sessions, and a span for each step that is written. Whatever reads a session is told to be about it, and points to its
 * trace: so is found from there who decided about it, and when, by requests of their own.
 */
export class TracedSessionStore extends SessionStore {
  constructor(
    private readonly inner: SessionStore,
    private readonly tracer: Tracer,
  ) {
    super();
  }

  override async write(step: Step): Promise<Session | Problem> {
    const { tracer } = this;
    const { session, event } = step;
    // The broker's own steps, such as at a deadline, are done in no request.
    const under = tracer.current() ? {} : { under: session.traceparent };
    const facts = { session: session.id, event };
    return tracer.run('session.step', { facts, ...under }, () => this.inner.write(step));
  }

  override async find(id: SessionId): Promise<Session | undefined> {
    const session = await this.inner.find(id);
    if (session) this.tracer.current()?.note({ session: session.id }, session.traceparent);
    return session;
  }

  override versions(...asked: Parameters<SessionStore['versions']>) {
    return this.inner.versions(...asked);
  }

  override findByKey(...asked: Parameters<SessionStore['findByKey']>) {
    return this.inner.findByKey(...asked);
  }

  override findAlike(...asked: Parameters<SessionStore['findAlike']>) {
    return this.inner.findAlike(...asked);
  }

  override consents(...asked: Parameters<SessionStore['consents']>) {
    return this.inner.consents(...asked);
  }

  override decisions(...asked: Parameters<SessionStore['decisions']>) {
    return this.inner.decisions(...asked);
  }

  override steps(...asked: Parameters<SessionStore['steps']>) {
    return this.inner.steps(...asked);
  }

  override list(...asked: Parameters<SessionStore['list']>) {
    return this.inner.list(...asked);
  }

  override claim(...asked: Parameters<SessionStore['claim']>) {
    return this.inner.claim(...asked);
  }

  override renew(...asked: Parameters<SessionStore['renew']>) {
    return this.inner.renew(...asked);
  }

  override release(...asked: Parameters<SessionStore['release']>) {
    return this.inner.release(...asked);
  }

  override nextDueInMs(...asked: Parameters<SessionStore['nextDueInMs']>) {
    return this.inner.nextDueInMs(...asked);
  }
}
