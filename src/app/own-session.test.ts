import { expect, it } from 'vitest';
import { actorOf, newSession, ROBIN } from '../../test/support/sessions.js';
import type { Person } from '../domain/person.js';
import { isProblem } from '../domain/problem.js';
import { ownSession } from './own-session.js';

it('a session is its account’s own, and not that of another account of the same human', async () => {
  const human = 'robin';
  const session = newSession({ requester: { ...ROBIN, human } });
  const store = { find: () => Promise.resolve(session) };
  const asked = (person: Person) =>
    ownSession(store, { actor: actorOf(person), roles: ['requester'] }, session.id);
  expect(await asked(ROBIN)).toBe(session);
  expect(await asked({ ...ROBIN, human })).toBe(session);
  const other = await asked({ ...ROBIN, sub: 'robin-admin', human });
  expect(isProblem(other) && other.problem).toBe('not-found');
});
