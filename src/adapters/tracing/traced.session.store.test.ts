import { expect, test } from 'vitest';
import { SessionStore } from '../../app/ports/session.store.js';
import { UNTRACED } from '../../app/ports/tracer.js';
import { newSession } from '../../../test/support/sessions.js';
import { tracedSessionStore } from './traced.session.store.js';

/** How many arguments each method takes, at most: whoever adds one is sent here by the compiler. */
const TAKES: {
  readonly [Name in keyof SessionStore]: Required<Parameters<SessionStore[Name]>>['length'];
} = {
  write: 1,
  find: 1,
  versions: 1,
  findByKey: 1,
  findAlike: 1,
  consents: 1,
  decisions: 1,
  steps: 2,
  list: 1,
  claim: 2,
  renew: 2,
  release: 1,
  nextDueInMs: 1,
};

test.each(Object.entries(TAKES))(
  'a store that is traced is asked to %s with all that was said, and gives its answer',
  async (name, takes) => {
    const asked: unknown[] = [];
    const answer = newSession();
    const inner: SessionStore = new Proxy(Object.create(SessionStore.prototype), {
      get:
        () =>
        (...said: unknown[]) => {
          asked.push(...said);
          return Promise.resolve(answer);
        },
    });
    const said = Array.from({ length: takes }, (_, n) => ({ n, session: answer, event: 'ask' }));
    const method: unknown = Reflect.get(tracedSessionStore(inner, UNTRACED), name);
    if (typeof method !== 'function') throw new Error(`it has no ${name}`);
    expect(await method(...said)).toBe(answer);
    expect(asked).toEqual(said);
  },
);
