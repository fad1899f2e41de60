import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaDeadLetters } from '../../src/adapters/prisma/prisma-dead.letters.js';
import { PrismaSinkStore } from '../../src/adapters/prisma/prisma-sink.store.js';
import { TendSinks } from '../../src/app/tend-sinks.js';
import { AuditSinkList, DeadLetterPage } from '../../src/contract/audit-sink.schema.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab } from '../support/log.lab.js';

const SINKS = '/v1/audit/sinks';
const clock = { now: () => new Date() };
const sinks = [
  { name: 'siem', kind: 'webhook', format: 'ocsf' },
  { name: 'vault', kind: 's3', format: 'jsonl' },
];

let lab: LogLab;
let api: Api;
beforeAll(async () => {
  lab = await LogLab.start();
  const cursors = new PrismaSinkStore(lab.database);
  const letters = new PrismaDeadLetters(lab.database);
  api = await startApi({ deps: { tendSinks: new TendSinks({ sinks, cursors, letters, clock }) } });
  await lab.write(9);
  await lab.replica().once();
  await cursors.claim('siem', 'one', 60);
  for (const from of [0, 1, 2, 3]) {
    const dead = from === 0 ? [] : [{ index: from, reason: `answered 41${from}` }];
    await cursors.advance({ name: 'siem', holder: 'one', from, to: from + 1, dead });
  }
  await cursors.failing('siem', 'one', 'the receiver answered 503');
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const get = (operation: string, path: string) =>
  api.call(operation, { who: 'auditor', path: `${SINKS}${path}` });
const replay = (name: string, body: object = { reason: 'it is mended' }, who = 'auditor') =>
  api.call('replayDeadLetters', { who, method: 'POST', path: `${SINKS}/${name}/replay`, body });
const listed = async () => AuditSinkList.parse((await get('listAuditSinks', '')).body).items;

describe('the sinks of the audit log', () => {
  test('are listed in the order of the configuration, with how each stands', async () => {
    expect(await listed()).toEqual([
      {
        ...sinks[0],
        state: 'failing',
        next: 4,
        lagEvents: 5,
        lagSeconds: expect.any(Number) as number,
        failingSince: expect.any(String) as string,
        lastError: { words: 'the receiver answered 503', at: expect.any(String) as string },
        deadLetters: 3,
        replaying: 0,
      },
      // Nothing was ever delivered there.
      expect.objectContaining({
        ...sinks[1],
        state: 'behind',
        next: 0,
        lagEvents: 9,
        failingSince: null,
        lastError: null,
        deadLetters: 0,
      }),
    ]);
  });

  test('have their dead letters read page by page', async () => {
    const first = await get('listDeadLetters', '/siem/dead-letters?limit=2');
    const page = DeadLetterPage.parse(first.body);
    expect(page.items).toMatchObject([
      { index: 1, action: 'session.finish', reason: 'answered 411', replayAt: null },
      { index: 2, reason: 'answered 412' },
    ]);
    const cursor = page.nextCursor ?? '';
    expect(first.headers.get('link')).toContain(`cursor=${cursor}`);
    const rest = await get('listDeadLetters', `/siem/dead-letters?limit=2&cursor=${cursor}`);
    expect(rest.body).toMatchObject({ items: [{ index: 3 }], nextCursor: null });
    const others = await get('listDeadLetters', `/vault/dead-letters?cursor=${cursor}`);
    expect({ status: others.status, type: others.body.type }).toEqual({
      status: 400,
      type: 'urn:hallpass:problem:invalid-cursor',
    });
  });

  test('that are not in the configuration are not found', async () => {
    for (const name of ['other', '..%2fsiem', 'x'.repeat(200)]) {
      expect((await get('listDeadLetters', `/${name}/dead-letters`)).status, name).toBe(404);
      expect((await replay(name)).status, name).toBe(404);
    }
  });

  test('deliver again what an auditor asks for, with why, and nobody else', async () => {
    for (const who of ['admin', 'robin'])
      expect((await replay('siem', { reason: 'mine' }, who)).status).toBe(403);
    for (const body of [{}, { reason: '' }, { reason: 'x', everything: true }])
      expect((await replay('siem', body)).status).toBe(422);
    expect(await replay('vault')).toMatchObject({ status: 202, body: { events: 0 } });
    const why = { reason: 'it is mended', ticket: 'OPS-3' };
    expect(await replay('siem', why)).toMatchObject({ status: 202, body: { events: 3 } });
    expect(await replay('siem')).toMatchObject({ status: 202, body: { events: 0 } });
    expect((await listed())[0]).toMatchObject({ deadLetters: 3, replaying: 3 });
    const told = await lab.audit.read({ action: 'log.replayed', limit: 9 });
    expect(told.map(({ body }) => body)).toMatchObject([
      { actor: { sub: 'audit' }, data: { sink: 'siem', count: 3, first: 1, last: 3, ...why } },
    ]);
  });
});

test('hallpass lists sinks and dead letters and has them delivered again, as the API does', async () => {
  await using home = await HallpassHome.make({
    HALLPASS_SERVER: api.url,
    HALLPASS_TOKEN: 'auditor',
  });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await home.run(['audit', 'sinks', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.toString();
  };
  const list = await run();
  expect(list).toMatch(/^NAME +KIND +STATE +NEXT +BEHIND +DEAD LETTERS +LAST ERROR\n/);
  expect(list).toMatch(
    /\nsiem +webhook +failing +4 +5 +3 \(3 again\) +.*the receiver answered 503\n/,
  );
  expect(await run('list')).toBe(list);
  expect(await run('dead-letters', 'siem', '--limit', '2')).toMatch(
    /^PLACE .*\n1 +session\.finish .* soon +answered 411\n2 .*\nThere are more: see --limit\.\n$/,
  );
  expect(await run('dead-letters', 'vault')).toBe('There are none.\n');
  expect(await run('replay', 'siem', '--reason', 'why not')).toBe(
    'There is nothing more to deliver again.\n',
  );
  const unknown = await home.run(['audit', 'sinks', 'replay', 'other', '--reason', 'x']);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toContain('The configuration has no sink of that name.');
});
