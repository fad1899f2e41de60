import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaAuditHolds } from '../../src/adapters/prisma/prisma-audit.holds.js';
import { PrismaLogRetention } from '../../src/adapters/prisma/prisma-log.retention.js';
import { HoldAudit } from '../../src/app/hold-audit.js';
import { ReadAudit } from '../../src/app/read-session.js';
import { RetainLog } from '../../src/app/retain-log.js';
import { AuditPage } from '../../src/contract/audit.schema.js';
import { AuditHoldList, AuditHoldView } from '../../src/contract/audit-hold.schema.js';
import { newSessionId } from '../../src/domain/session/session.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab } from '../support/log.lab.js';
import { newSession } from '../support/sessions.js';

const HOLDS = '/v1/audit/holds';
const clock = { now: () => new Date() };
const session = newSession();

let lab: LogLab;
let api: Api;
beforeAll(async () => {
  lab = await LogLab.start();
  const holds = new PrismaAuditHolds(lab.database);
  const find = (id: string) => Promise.resolve(id === session.id ? session : undefined);
  api = await startApi({
    deps: {
      holdAudit: new HoldAudit({ holds, store: { find }, clock }),
      readAudit: new ReadAudit({ log: lab.audit, clock }),
    },
  });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const place = (body: object, who: 'auditor' | 'admin' | 'robin' = 'auditor') =>
  api.call('placeAuditHold', { who, method: 'POST', path: HOLDS, body });
const release = (id: string, body: object = { reason: 'it is over' }) =>
  api.call('releaseAuditHold', {
    who: 'auditor',
    method: 'POST',
    path: `${HOLDS}/${id}/release`,
    body,
  });
const standing = async () => {
  const { body } = await api.call('listAuditHolds', { who: 'auditor', path: HOLDS });
  return AuditHoldList.parse(body).items;
};

describe('a legal hold', () => {
  test('is placed, listed and released by auditors, with why and for which ticket, each an event', async () => {
    const wish = { session: session.id, reason: 'a lawsuit', ticket: 'LEGAL-7' };
    const { status, body } = await place(wish);
    expect(status).toBe(201);
    const hold = AuditHoldView.parse(body);
    expect(hold).toMatchObject({ ...wish, from: null, until: null });
    expect(await standing()).toEqual([hold]);
    expect(await release(hold.id)).toMatchObject({ status: 200, body: hold });
    expect(await standing()).toEqual([]);
    const events = await lab.audit.read({ sessionId: session.id, limit: 9 });
    expect(events.map((it) => it.body)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          action: 'audit.held',
          data: { hold: hold.id, reason: 'a lawsuit', ticket: 'LEGAL-7' },
        }),
        expect.objectContaining({
          action: 'audit.released',
          data: expect.objectContaining({ hold: hold.id, reason: 'it is over' }) as object,
        }),
      ]) as unknown[],
    );
  });

  test.each(['admin', 'robin'] as const)('is not for %s', async (who) => {
    expect((await place({ reason: 'mine' }, who)).status).toBe(403);
  });

  test.each([
    ['no reason', {}],
    [
      'an end before its beginning',
      { reason: 'x', from: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z' },
    ],
    ['a time that is none', { reason: 'x', from: 'yesterday' }],
    ['a session that cannot be one', { reason: 'x', session: 'all' }],
    ['what is not known', { reason: 'x', everything: true }],
  ])('of %s is refused', async (_, body) => {
    expect((await place(body)).status).toBe(422);
  });

  test('of a session that is not there is not found, nor one that does not stand', async () => {
    expect((await place({ reason: 'x', session: newSessionId() })).status).toBe(404);
    for (const id of ['all', '00000000-0000-4000-8000-000000000000'])
      expect((await release(id)).status, id).toBe(404);
  });
});

test('an event whose body was dropped is listed as such, with its hash', async () => {
  const at = new Date('2020-01-01T00:00:00.000Z');
  await lab.write(1, { at });
  await lab.replica().once();
  await lab.asInsider(`UPDATE audit_leaves SET placed_at = '2020-01-01'`);
  const { journal, database } = lab;
  const retention = new PrismaLogRetention(database);
  const none = { keepDays: 400, sinks: [], anchors: [], isHeld: () => false };
  const retain = new RetainLog({ retention, ...none, clock, journal, replica: 'r' });
  expect(await retain.once(400)).toBe(1);
  const { body } = await api.call('listAuditEvents', {
    who: 'auditor',
    path: '/v1/audit/events?action=session.finish',
  });
  expect(AuditPage.parse(body).items).toMatchObject([
    {
      at: at.toISOString(),
      body: null,
      dropped: true,
      leafHash: expect.stringMatching(/^\w{64}$/) as string,
    },
  ]);
});

test('hallpass holds, lists and releases as the API does, and shows what was dropped', async () => {
  await using home = await HallpassHome.make({
    HALLPASS_SERVER: api.url,
    HALLPASS_TOKEN: 'auditor',
  });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await home.run(['audit', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.toString();
  };
  const placed = await run(
    'hold',
    '--session',
    session.id,
    '--reason',
    'why not',
    '--ticket',
    'L-1',
  );
  const id = /hold (\S+) is released/.exec(placed)?.[1] ?? '';
  expect(placed).toBe(
    `What happened in session ${session.id} is kept until the hold ${id} is released.\n`,
  );
  expect(await run('holds')).toMatch(
    new RegExp(`^ID .*\n${id} .* in session ${session.id} .*L-1 +why not\n$`),
  );
  await run('release', id, '--reason', 'it is over');
  expect(await run('holds')).toBe('There are none.\n');
  expect(await run('events', '--action', 'session.finish')).toContain('(dropped)');
});
