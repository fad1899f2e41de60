import { expect, test } from 'vitest';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { isProblem } from '../../src/domain/problem.js';
import { concernedPeople } from '../../src/domain/session/session.js';
import { approvals, requirement } from '../support/policies.js';
import { AskingLab, allow, pod, setOf } from './asking.lab.js';

test('a session keeps the terms, the approvers and the profile that it was granted, whatever the set becomes', async () => {
  const before = setOf(
    allow('shop', {
      terms: { approvals: approvals(requirement(1, 'leads')), longestSeconds: 900 },
    }),
  );
  const after = setOf(
    allow('other-rule', {
      terms: {
        approvals: approvals(requirement(2, 'managers')),
        longestSeconds: 60,
        onOverrun: 'evict',
        recording: 'best-effort',
      },
    }),
  );
  await using lab = await AskingLab.start(before);
  const database = lab.database();
  const replica = lab.replica(database);
  const { session } = await replica.ask({ target: pod('web') });
  expect(session.state).toBe('pending');

  await lab.putInForce(after);
  const stored = await replica.store.find(session.id);
  expect(stored?.grant).toEqual(session.grant);
  expect(stored?.grant).toMatchObject({
    policyHash: before.hash,
    rule: 'shop',
    terms: { longestSeconds: 900, onOverrun: 'alert', recording: 'strict' },
    profile: before.profiles.find(({ name }) => name === 'shell'),
  });
  expect(stored && concernedPeople(stored)).toEqual({ groups: ['leads'], users: [] });
  // What it was decided by can be read, as it was written.
  const [decision] = await replica.store.decisions(session.id);
  expect(decision?.policyHash).toBe(before.hash);
  expect(await new PrismaPolicyArchive(database).files(before.hash)).toEqual(before.files);

  // Nor can whoever serves change what was granted.
  await expect(
    database.prisma.$executeRaw`UPDATE sessions SET "grant" = NULL WHERE id = ${session.id}`,
  ).rejects.toThrow(/permission denied/);

  const later = await lab.replica().tryAsking({ target: pod('api'), durationSeconds: 60 });
  if (isProblem(later)) throw new Error(later.detail);
  expect(later.session.grant).toMatchObject({ policyHash: after.hash, rule: 'other-rule' });
});
