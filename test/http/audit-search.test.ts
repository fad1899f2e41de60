import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
import { IndexLog } from '../../src/app/index-log.js';
import { COUNTED_BY } from '../../src/app/ports/audit.index.js';
import { SearchAudit } from '../../src/app/search-audit.js';
import {
  AUDIT_COUNTED_BY,
  AuditCounts,
  AuditSearchPage,
} from '../../src/contract/audit-search.schema.js';
import type { AuditEntry, AuditFacts } from '../../src/domain/audit/entry.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { Session } from '../../src/domain/session/session.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab } from '../support/log.lab.js';
import { ALEX, ROBIN, SAM, SYSTEM, actorOf, grantOf, newSession } from '../support/sessions.js';

const HOUR_MS = 3_600_000;
const BEGUN = Date.parse('2026-03-01T00:00:00.000Z');
const POD = { podName: 'web-1', podUid: 'uid', nodeName: 'node-1' };
const CONTAINER = { name: 'hallpass-x', image: 'tools.example/net:2', startBy: new Date(BEGUN) };

function sessionIn(namespace: string, over: Partial<Session['request']> = {}): Session {
  const plain = newSession({ pin: POD, grant: grantOf('hash'), container: CONTAINER });
  return {
    ...plain,
    request: { ...plain.request, namespace, ticket: `OPS-${namespace}`, ...over },
  };
}

const WEB = sessionIn('shop', {
  target: { kind: 'workload', workload: 'Deployment', name: 'web', pick: 'any-ready' },
  reason: 'the queue stands still since midnight',
});
const GLASS = sessionIn('vault', { breakGlass: true, reason: 'nobody can pay' });

/** What happened, an hour apart. */
const HAPPENED: readonly Omit<AuditFacts, 'at' | 'outcome'>[] = [
  { action: 'session.ask', actor: actorOf(ROBIN), session: WEB },
  { action: 'session.consent', actor: actorOf(ALEX), session: WEB, data: { comment: 'still, go' } },
  { action: 'session.approve', actor: actorOf(SAM), session: WEB },
  { action: 'session.break-glass', actor: actorOf(ROBIN), session: GLASS },
  { action: 'session.run', actor: SYSTEM, session: WEB },
  {
    action: 'session.ask',
    actor: actorOf({ ...ROBIN, iss: 'https://other.example' }),
    session: sessionIn('other', { target: { kind: 'pod', name: 'x' } }),
  },
];

let lab: LogLab;
let index: PrismaAuditIndex;
let api: Api;
let written: AuditEntry[];
beforeAll(async () => {
  lab = await LogLab.start();
  written = HAPPENED.map((facts, at) =>
    auditEntry({
      ...facts,
      outcome: at === 5 ? 'denied' : 'success',
      at: new Date(BEGUN + at * HOUR_MS),
    }),
  );
  for (const entry of written) {
    await lab.database.pool.query(
      `INSERT INTO audit_events (id, at, action, session_id, body, leaf_hash) VALUES ($1, $2, $3, NULL, $4, $5)`,
      [entry.id, entry.at, entry.action, entry.body, entry.leafHash],
    );
  }
  await lab.replica().once();
  index = new PrismaAuditIndex(lab.database);
  const clock = { now: () => new Date() };
  const searchAudit = new SearchAudit({ index, log: lab.audit, clock });
  api = await startApi({ deps: { searchAudit } });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

async function found(query: string): Promise<number[]> {
  const answer = await api.call('searchAudit', {
    who: 'auditor',
    path: `/v1/audit/search?${query}`,
  });
  expect(answer.status).toBe(200);
  return AuditSearchPage.parse(answer.body).items.map((it) => it.index);
}

describe('a search of the audit log', () => {
  test.each([
    ['', [5, 4, 3, 2, 1, 0]],
    ['action=session.ask', [5, 0]],
    ['outcome=denied', [5]],
    ['outcome=success&action=session.ask', [0]],
    [`session=${WEB.id}`, [4, 2, 1, 0]],
    ['person=robin', [5, 3, 0]],
    ['person=https://id.example|robin', [3, 0]],
    ['email=alex@example.com', [1]],
    ['approver=sam', [2]],
    ['approver=robin', []],
    ['namespace=shop', [4, 2, 1, 0]],
    ['namespace=shop&person=robin', [0]],
    ['workload=Deployment/web', [4, 2, 1, 0]],
    ['pod=web-1&namespace=vault', [3]],
    ['image=tools.example/net:2&namespace=vault', [3]],
    ['image=tools.example/net&namespace=vault', [3]],
    ['image=tools.example/net:1', []],
    ['image=net', []],
    ['rule=oncall&namespace=other', [5]],
    ['ticket=OPS-vault', [3]],
    ['breakGlass=true', [3]],
    ['breakGlass=false', [5, 4, 2, 1, 0]],
    ['from=2026-03-01T03:00:00Z', [5, 4, 3]],
    ['from=2026-03-01T02:00:00%2B01:00&until=2026-03-01T03:00:00Z', [2, 1]],
    ['text=queue midnight', [4, 2, 1, 0]],
    ['text="stands still" -go', [4, 2, 0]],
    ['text=midnight or pay', [4, 3, 2, 1, 0]],
    ["text=' %26 !( :*", []],
  ])('for %j finds what is so and nothing else, newest first', async (query, places) => {
    const seen = await found(query);
    expect(seen.filter((place) => place < HAPPENED.length)).toEqual(places);
  });

  test('goes on page by page, each event once, while the log grows', async () => {
    const places: number[] = [];
    for (let path: string | undefined = '/v1/audit/search?person=robin&limit=1'; path;) {
      const { body, headers } = await api.call('searchAudit', { who: 'auditor', path });
      places.push(...body.items.map((it: { index: number }) => it.index));
      await lab.replica().once();
      path = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1];
    }
    expect(places).toEqual([5, 3, 0]);
  });

  test('gives the event as it was written', async () => {
    const { body } = await api.call('searchAudit', {
      who: 'auditor',
      path: '/v1/audit/search?approver=sam',
    });
    expect(body.items).toEqual([
      {
        index: 2,
        id: written[2]?.id,
        at: '2026-03-01T02:00:00.000Z',
        action: 'session.approve',
        session: null,
        body: JSON.parse(String(written[2]?.body)),
        dropped: false,
        leafHash: written[2]?.leafHash.toString('hex'),
      },
    ]);
  });

  test('refuses the cursor of another search, and what is no filter', async () => {
    const first = await api.call('searchAudit', {
      who: 'auditor',
      path: '/v1/audit/search?limit=1',
    });
    const { nextCursor } = first.body;
    for (const query of [
      `cursor=${nextCursor}&person=robin`,
      'color=red',
      'outcome=well',
      'from=yesterday',
      'from=2026-03-01T10:00:00Z&until=2026-03-01T11:00:00%2B01:00',
      'breakGlass=1',
      'text=',
      'person=a%00b',
    ]) {
      const answer = await api.call('searchAudit', {
        who: 'auditor',
        path: `/v1/audit/search?${query}`,
      });
      expect([query, answer.status]).toEqual([query, 400]);
    }
  });

  test('is itself an event, which is found once it has its place', async () => {
    await found('namespace=shop&text=queue');
    await lab.replica().once();
    const { body } = await api.call('searchAudit', {
      who: 'auditor',
      path: '/v1/audit/search?action=audit.searched&limit=1',
    });
    expect(body.items[0].body).toMatchObject({
      actor: { sub: 'audit' },
      data: { filter: { namespace: 'shop', text: 'queue' }, limit: 50 },
    });
  });
});

describe('a search by image', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`;
  const images = [
    { image: 'host:5000/lab/dig:1', imageId: `host:5000/lab/dig@${DIGEST}` },
    { image: `host:5000/lab/dig@${DIGEST}` },
    { image: 'host:5000/lab/dig' },
    { image: 'host:5000/lab/dig:2' },
  ];
  let first: number;
  beforeAll(async () => {
    await lab.replica().once();
    first = await index.size();
    for (const image of images) {
      await lab.audit.append(
        auditEntry({
          at: new Date(BEGUN + 100 * 24 * HOUR_MS),
          action: 'session.note',
          outcome: 'success',
          actor: SYSTEM,
          session: { ...sessionIn('lab'), container: { ...CONTAINER, ...image } },
        }),
      );
    }
    await lab.replica().once();
  });

  test.each([
    ['host:5000/lab/dig', [3, 2, 1, 0]],
    ['host:5000/lab/dig:1', [0]],
    ['host:5000/lab/dig:2', [3]],
    [DIGEST, [1, 0]],
    [DIGEST.toUpperCase(), [1, 0]],
    [`host:5000/lab/dig@${DIGEST}`, [1, 0]],
    [`host:5000/lab/dig:1@${DIGEST}`, [0]],
    [`host:5000/lab/other@${DIGEST}`, []],
    [`sha256:${'b'.repeat(64)}`, []],
  ])('%s finds it by name, tag and digest, as far as they are given', async (image, places) => {
    const seen = await found(`namespace=lab&image=${encodeURIComponent(image)}`);
    expect(seen.map((place) => place - first)).toEqual(places);
  });
});

describe('a search by time', () => {
  const at = (iso: string) => new Date(iso);
  /** Places of events whose clocks jump to and fro, more than fit in one block. */
  const TIMES = ['2031-01-01', '2029-01-01', '2033-01-01', '2030-01-01', '2032-01-01'];
  const BLOCK = 5_000;

  test('finds what is of that time wherever it is in the log', async () => {
    await using other = await LogLab.start();
    const facts = TIMES.flatMap((time, n) => [
      { index: n * BLOCK, at: at(`${time}T00:00:00Z`) },
      { index: n * BLOCK + 7, at: at(`${time}T01:00:00Z`) },
    ]);
    await other.asInsider('ALTER TABLE audit_facts DROP CONSTRAINT audit_facts_index_fkey');
    const insert = `INSERT INTO audit_facts (index, at, action, session_id, break_glass, words)
      VALUES ($1::bigint, $2, 'session.note', 's' || $1::bigint, false, '')`;
    for (const it of facts) await other.database.pool.query(insert, [it.index, it.at]);
    const searched = new PrismaAuditIndex(other.database);
    for (const from of [undefined, ...TIMES].map((it) => it && at(`${it}T00:30:00Z`))) {
      for (const until of [undefined, ...TIMES].map((it) => it && at(`${it}T00:30:00Z`))) {
        const { ids } = await searched.sessions(
          { ...(from ? { from } : {}), ...(until ? { until } : {}) },
          { limit: 100, among: 100 },
        );
        const wanted = facts.filter((it) => (!from || it.at >= from) && (!until || it.at < until));
        expect(ids).toEqual(wanted.map((it) => `s${it.index}`));
      }
    }
  });
});

describe('counts of the audit log', () => {
  const counts = async (query: string) => {
    const { body } = await api.call('countAudit', {
      who: 'auditor',
      path: `/v1/audit/counts?${query}`,
    });
    return AuditCounts.parse(body);
  };

  test('are of what the filters find, the most frequent first', async () => {
    expect(await counts('by=namespace&until=2026-03-02T00:00:00Z')).toEqual({
      groups: [
        { value: 'shop', count: 4 },
        { value: 'other', count: 1 },
        { value: 'vault', count: 1 },
      ],
      total: 6,
      more: false,
    });
    expect(await counts('by=person&namespace=shop')).toMatchObject({
      groups: [
        { value: 'alex', count: 1 },
        { value: 'robin', count: 1 },
        { value: 'sam', count: 1 },
        { value: null, count: 1 },
      ],
      total: 4,
    });
    expect(await counts('by=session&approver=sam')).toEqual({
      groups: [{ value: WEB.id, count: 1 }],
      total: 1,
      more: false,
    });
    expect(await counts('by=rule&namespace=none')).toEqual({ groups: [], total: 0, more: false });
  });

  test('say where they are of the newest events alone', async () => {
    const filter = { until: new Date('2026-03-02T00:00:00Z') };
    expect(await index.counts(filter, { by: 'cluster', groups: 5, among: 4 })).toMatchObject({
      total: 4,
      more: true,
    });
  });

  test('can be had by all that events are found by', () => {
    expect(AUDIT_COUNTED_BY.options).toEqual([...COUNTED_BY]);
  });
});

test('hallpass finds and counts as the API does', async () => {
  await using home = await HallpassHome.make({
    HALLPASS_SERVER: api.url,
    HALLPASS_TOKEN: 'auditor',
  });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await home.run(['audit', ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.toString();
  };
  const json = await run('search', '--person', 'sam', '-o', 'json', '--', 'queue', '-go');
  expect(JSON.parse(json).items.map((it: { index: number }) => it.index)).toEqual([2]);
  expect(await run('search', '--break-glass', '--limit', '5')).toMatch(
    /^WHEN .*\n.* session\.break-glass +success +robin/,
  );
  expect(await run('counts', '--by', 'approver', '--namespace', 'shop')).toBe(
    'APPROVER  EVENTS\n-         2\nalex      1\nsam       1\n',
  );
});

test('events that had their place before are made findable in slices, and once', async () => {
  await lab.asInsider('DELETE FROM audit_facts WHERE index < 5');
  expect(await found('until=2026-03-02T00:00:00Z')).toEqual([5]);
  const indexing = [1, 2].map(
    () => new IndexLog({ index, journal: lab.journal, slice: 2, restMs: 0 }),
  );
  for (const it of indexing) it.start();
  await expect.poll(() => found('until=2026-03-02T00:00:00Z')).toEqual([5, 4, 3, 2, 1, 0]);
  await Promise.all(indexing.map((it) => it.stop()));
  expect(await found('text="stands still" -go&until=2026-03-02T00:00:00Z')).toEqual([4, 2, 0]);
});
