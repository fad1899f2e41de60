import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import { EXIT } from '../../src/adapters/cli/exit.codes.js';
import type { Claims } from '../support/glass.lab.js';
import { GlassLab } from '../support/glass.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { ORIGIN, signerNamed } from '../support/log.lab.js';
import { policyOf } from '../support/policies.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

const POLICIES = [
  policyOf('vault', {
    match: { namespaces: ['vault'] },
    terms: {
      breakGlass: {
        signIn: { acr: [], amr: [], maxAgeSeconds: null },
        review: { groups: ['payments-leads'], users: [], withinSeconds: 3_600 },
        debt: { of: 'person' },
      },
    },
  }),
];
const ROBIN: Claims = { sub: 'robin', email: 'robin@example.com', groups: ['oncall', 'auditors'] };

let lab: GlassLab;
let home: HallpassHome;
let sessions: string[];
/** Tokens of the two. */
let tokens: { readonly audrey: string; readonly robin: string };
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
  sessions = [
    await lab.broken(ROBIN, { namespace: 'vault', reason: '=1+1' }),
    await lab.broken(ROBIN, { namespace: 'vault', target: { pod: 'two' } }),
  ];
  await new SequenceLog({
    store: new PrismaLogStore(lab.database),
    origin: ORIGIN,
    signers: [signerNamed()],
    everyMs: 5,
    clock: lab.clock,
    journal: new MemoryJournal(),
  }).once();
  lab.clock.advance(1);
  tokens = {
    audrey: await lab.issuer.sign({ sub: 'audrey', groups: ['auditors'] }),
    robin: await lab.issuer.sign(ROBIN),
  };
  const { port } = lab.app.getHttpServer().address() as AddressInfo;
  home = await HallpassHome.make({ HALLPASS_SERVER: `http://127.0.0.1:${port}`, TZ: 'Asia/Tokyo' });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

async function hallpass(args: readonly string[], who: keyof typeof tokens = 'audrey') {
  const run = await home.run(['audit', ...args], undefined, { HALLPASS_TOKEN: tokens[who] });
  return { code: run.code, out: run.stdout.toString(), err: run.stderr };
}
async function opened(...args: string[]): Promise<string> {
  const { code, out, err } = await hallpass(['reviews', 'open', 'Glass', ...args, '-o', 'json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return String(JSON.parse(out).id);
}

describe('hallpass audit reviews', () => {
  test('says that there are none', async () => {
    const { code, out } = await hallpass(['reviews', 'list', '--state', 'overdue']);
    expect({ code, out }).toEqual({ code: EXIT.ok, out: 'No saved review is overdue.\n' });
  });

  test('takes one from opening to its end', async () => {
    const text = await hallpass([
      'reviews',
      'open',
      'Glass',
      '--break-glass',
      '--from',
      '1d',
      '--due',
      '14d',
    ]);
    expect(text.out).toMatch(
      /Signed off {2}0 of 2: 0 in order.*\n\nGo through them with: hallpass audit reviews show \S+ --only open\n/s,
    );
    const id = await opened('--break-glass', '--due', '14d');
    expect((await hallpass(['reviews', 'list'])).out).toMatch(/^ID .*TITLE\n.* 0 of 2 .* Glass\n/);
    const word = ['--finding', 'concern', '--comment', 'why so long?'];
    for (const session of sessions) {
      const shown = await hallpass(['reviews', 'show', id, '--only', 'open']);
      expect(shown.out).toContain(session);
      const signed = await hallpass(['reviews', 'sign-off', id, session, ...word, '--yes']);
      expect([signed.code, signed.err]).toEqual([EXIT.ok, expect.stringContaining(session)]);
    }
    const { out } = await hallpass(['reviews', 'show', id]);
    expect(out).toMatch(
      /State +closed\n[^]*2 of 2: 0 in order, 2 concerns, 0 violations\n[^]*why so long\?/,
    );
    expect((await hallpass(['reviews', 'show', id, '--only', 'open'])).out).toContain(
      'No session of it is so.',
    );
    const again = await hallpass(['reviews', 'close', id, '--reason', 'r', '--yes']);
    expect([again.code, again.err]).toEqual([EXIT.trouble, expect.stringContaining('is closed')]);
  });

  test('does nothing that nobody was asked about and nobody said yes to', async () => {
    const id = await opened('--sessions', ...sessions, '--due', '1d');
    for (const args of [
      ['sign-off', id, sessions[0] ?? '', '--finding', 'in-order', '--comment', 'c'],
      ['close', id, '--reason', 'r'],
    ]) {
      const { code, err } = await hallpass(['reviews', ...args]);
      expect([code, err]).toEqual([EXIT.trouble, expect.stringContaining('say --yes')]);
    }
    expect((await hallpass(['reviews', 'show', id])).out).toMatch(/State +open\n/);
  });

  test('ends as a denial for who had a part in the session', async () => {
    const id = await opened('--sessions', ...sessions, '--due', '1d');
    const args = [
      'sign-off',
      id,
      sessions[0] ?? '',
      '--finding',
      'in-order',
      '--comment',
      'c',
      '-y',
    ];
    const { code, err } = await hallpass(['reviews', ...args], 'robin');
    expect([code, err]).toEqual([
      EXIT.denied,
      expect.stringContaining('somebody else must sign it off'),
    ]);
    expect((await hallpass(['reviews', 'show', id], 'robin')).out).toContain('for others');
  });

  test.each([
    [['open', 'T', '--due', 'soon'], '--due "soon" is no time'],
    [['open', 'T', '--due', '1d', '--namespace', 'none'], 'finds no session'],
    [['open', 'T', '--due', '1d', '--sessions', 'x', '--pod', 'p'], 'and not both'],
    [['show', 'x'], 'There is no audit review x'],
    [['open', 'T'], '--due'],
  ])('%j is refused with what to do', async (args, words) => {
    const { code, err } = await hallpass(['reviews', ...args]);
    expect([code, err]).toEqual([EXIT.trouble, expect.stringContaining(words)]);
  });
});

describe('hallpass audit report', () => {
  test('tells who broke the glass in the zone of who asks, and what is overdue', async () => {
    const { code, out } = await hallpass(['report', 'break-glass']);
    expect(code).toBe(0);
    expect(out).toMatch(/^From \d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\+9 to /);
    expect(out.match(/robin@example\.com {2}sandbox\/vault/g)).toHaveLength(2);
    expect(out).toContain('No review is overdue.');
    const none = await hallpass(['report', 'break-glass', '--until', '2020-01-01']);
    expect(none.out).toContain('Nobody broke the glass.');
  });

  test('as CSV is for spreadsheets, without formulas', async () => {
    const { out } = await hallpass([
      'report',
      'break-glass',
      '--format',
      'csv',
      '--review',
      'owed',
    ]);
    expect(out.split('\r\n')).toHaveLength(4);
    expect(out).toContain(",'=1+1,");
    const access = await hallpass(['report', 'access', '--by', 'group', '--format', 'csv']);
    expect(access.out).toMatch(/^by,name,.*\r\ngroup,\w+,1,2,0,0,2,0,/);
  });

  test('of access tells groups and namespaces, or one of them', async () => {
    const all = await hallpass(['report', 'access', '--from', '7d']);
    expect(all.out).toMatch(
      /GROUP .*\n(?:auditors|oncall) [^]*NAMESPACE .*\nsandbox\/vault +1 +2 +0 +0 +2 +0 /,
    );
    const one = await hallpass(['report', 'access', '--by', 'namespace']);
    expect(one.out).not.toContain('GROUP');
    expect((await hallpass(['report', 'access', '--until', '2020-01-01'])).out).toContain(
      'Nobody asked for anything.',
    );
    const json = await hallpass(['report', 'access', '--format', 'json']);
    expect(JSON.parse(json.out).namespaces).toHaveLength(1);
    expect((await hallpass(['report', 'access', '--from', 'monday'])).code).toBe(EXIT.trouble);
  });
});

test('a search understands times in the zone of who asks', async () => {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const query = async (...args: string[]) =>
    (await hallpass(['search', ...args, '-o', 'json', '--limit', '1'])).out;
  expect(JSON.parse(await query('--from', tomorrow.replace(/^\d+/, '2090'))).items).toEqual([]);
  const { rows } = await lab.database.pool.query<{ body: Buffer }>(
    `SELECT body FROM audit_events WHERE action = 'audit.searched' ORDER BY at DESC LIMIT 1`,
  );
  const asked = JSON.parse(String(rows[0]?.body)).data.filter.from;
  expect(asked).toMatch(/^2090-.*T15:00:00\.000Z$|^2089-.*T15:00:00\.000Z$/);
});
