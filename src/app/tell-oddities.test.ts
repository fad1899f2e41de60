import { expect, test } from 'vitest';
import { MemoryJournal } from '../../test/support/in-memory.ports.js';
import { policyOf, setOf } from '../../test/support/policies.js';
import type { AccessPolicy } from '../domain/policy/policy.js';
import { tellOddities } from './tell-oddities.js';

const LAPSE_SECONDS = 3_600;

function widening(name: string, afterSeconds: number): AccessPolicy {
  const escalation = { afterSeconds, groups: ['managers'], users: [] };
  return policyOf(name, {
    terms: { approvals: { require: [], commentRequired: false, escalation } },
  });
}

test('a policy whose escalation comes when its sessions have lapsed is a warning, each by its name', () => {
  const journal = new MemoryJournal();
  tellOddities({
    set: setOf([
      policyOf('none'),
      widening('in-time', LAPSE_SECONDS - 1),
      widening('as-it-lapses', LAPSE_SECONDS),
      widening('late', LAPSE_SECONDS + 1),
    ]),
    onCall: { missingSecrets: () => [] },
    journal,
    bounds: { pendingLapseSeconds: LAPSE_SECONDS },
  });
  expect(journal.lines.map(({ level, facts }) => ({ level, ...facts }))).toEqual([
    { level: 'warn', policy: 'as-it-lapses', lapseSeconds: LAPSE_SECONDS },
    { level: 'warn', policy: 'late', lapseSeconds: LAPSE_SECONDS },
  ]);
});

test('an on-call source without its secret is a warning that names both', () => {
  const journal = new MemoryJournal();
  tellOddities({
    set: setOf([]),
    onCall: { missingSecrets: () => [{ source: 'payments', secret: 'pager' }] },
    journal,
    bounds: { pendingLapseSeconds: LAPSE_SECONDS },
  });
  expect(journal.lines).toMatchObject([
    { level: 'warn', facts: { source: 'payments', secret: 'pager' } },
  ]);
});
