import { expect, test } from 'vitest';
import { MemoryJournal } from '../../test/support/in-memory.ports.js';
import { policyOf, setOf, taking } from '../../test/support/policies.js';
import { STEPS_A_DECISION } from '../domain/policy/inquiry.js';
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

test('conditions that are too dear together for somebody are a warning that says for whom and where', () => {
  const dear = (name: string, groups: readonly string[]): AccessPolicy =>
    policyOf(name, {
      match: { groups, namespaces: ['shop'] },
      when: taking(STEPS_A_DECISION / 2),
    });
  const warned = (policies: readonly AccessPolicy[]) => {
    const journal = new MemoryJournal();
    tellOddities({
      set: setOf(policies),
      onCall: { missingSecrets: () => [] },
      journal,
      bounds: { pendingLapseSeconds: LAPSE_SECONDS },
    });
    return journal.lines;
  };
  expect(warned([dear('a', ['*']), dear('b', ['x']), dear('c', ['y'])])).toEqual([]);
  expect(warned([dear('a', ['*']), dear('b', ['x']), dear('c', ['x'])])).toMatchObject([
    { level: 'warn', facts: { who: 'group x', namespace: 'shop', steps: STEPS_A_DECISION * 1.5 } },
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
