import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LogNotifier } from '../../src/adapters/log/log.notifier.js';
import { DeliverNews } from '../../src/app/deliver-news.js';
import { GlassLab } from '../support/glass.lab.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { approvals, policyOf, requirement } from '../support/policies.js';

const HOUR_MS = 3_600_000;
/** Two groups would have had a say, a third one later, and one person reviews. */
const PAYMENTS = policyOf('payments', {
  match: { namespaces: ['payments'] },
  terms: {
    approvals: {
      ...approvals(requirement(1, 'payments-leads'), requirement(1, 'security')),
      escalation: { afterSeconds: 900, groups: ['managers', 'security'], users: [] },
    },
    breakGlass: {
      signIn: { acr: [], amr: [], maxAgeSeconds: null },
      review: { groups: [], users: ['casey'], withinSeconds: HOUR_MS / 1000 },
      debt: { of: 'person' },
    },
  },
});
const ROBIN = { sub: 'robin', name: 'Robin Requester', groups: ['oncall'] };

let lab: GlassLab;
let journal: MemoryJournal;
beforeAll(async () => {
  lab = await GlassLab.start([PAYMENTS]);
});
beforeEach(() => {
  journal = new MemoryJournal();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Lets a replica deliver until the log has so many lines. */
async function deliver(lines: number): Promise<void> {
  const notifiers = [new LogNotifier(journal)];
  const delivering = new DeliverNews({ outbox: lab.outbox, notifiers, clock: lab.clock, journal });
  delivering.start();
  await expect.poll(() => journal.lines.length, { timeout: 10_000, interval: 20 }).toBe(lines);
  await delivering.stop();
}

test('that the glass was broken is a warning that says who, where, why, and whom to tell', async () => {
  const { body } = await lab.ask(ROBIN, {
    reason: 'orders are stuck',
    ticket: 'INC-7',
    durationSeconds: 600,
  });
  await deliver(1);
  expect(journal.lines).toEqual([
    {
      level: 'warn',
      message: 'the glass was broken',
      facts: {
        session: body.id,
        seq: 1,
        who: { iss: lab.issuer.url, sub: 'robin', name: 'Robin Requester' },
        target: { cluster: 'sandbox', namespace: 'payments', pod: 'web', container: null },
        profile: 'shell',
        durationSeconds: 600,
        rule: 'payments',
        reason: 'orders are stuck',
        ticket: 'INC-7',
        tell: { groups: ['payments-leads', 'security', 'managers'], users: ['casey'] },
        reviewDueAt: new Date(lab.clock.now().getTime() + HOUR_MS).toISOString(),
      },
    },
  ]);
});

test('a session that waits for consents as usual is no warning', async () => {
  const { body } = await lab.ask({ ...ROBIN, sub: 'kim' }, { breakGlass: false });
  expect(body.state).toBe('pending');
  await deliver(1);
  expect(journal.lines).toMatchObject([
    { level: 'info', message: 'news', facts: { session: body.id, news: { breakGlass: false } } },
  ]);
});

test('the warning is written with the session: a replica that comes later gives it, once', async () => {
  const { body } = await lab.ask({ ...ROBIN, sub: 'sam' });
  await lab.call('endSession', {
    as: { ...ROBIN, sub: 'sam' },
    path: `/v1/sessions/${body.id}/end`,
    body: {},
  });
  await deliver(2);
  expect(journal.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'the glass was broken'],
    ['info', 'news'],
  ]);
});
