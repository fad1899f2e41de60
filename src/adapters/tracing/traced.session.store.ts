import { replacing } from '../../app/replacing.js';
import type { SessionStore } from '../../app/ports/session.store.js';
import type { Tracer } from '../../app/ports/tracer.js';

/**
 * Sessions, and a span for each step that is written. Whatever reads a session is told to be about it, and points to its
 * trace: so is found from there who decided about it, and when, by requests of their own.
 */
export function tracedSessionStore(inner: SessionStore, tracer: Tracer): SessionStore {
  return replacing(inner, {
    write: (step) => {
      const { session, event } = step;
      // The broker's own steps, such as at a deadline, are done in no request.
      const under = tracer.current() ? {} : { under: session.traceparent };
      const facts = { session: session.id, event };
      return tracer.run('session.step', { facts, ...under }, () => inner.write(step));
    },
    find: async (id) => {
      const session = await inner.find(id);
      if (session) tracer.current()?.note({ session: session.id }, session.traceparent);
      return session;
    },
  });
}
