import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whereOf } from '../../src/adapters/prisma/audit-filter.sql.js';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
import { inTransaction } from '../../src/adapters/prisma/transaction.js';
import { SearchAudit } from '../../src/app/search-audit.js';
import { AuditCounts, AuditSearchPage } from '../../src/contract/audit-search.schema.js';
import type { AuditFacts } from '../../src/domain/audit/entry.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { traceparentOf } from '../../src/domain/traceparent.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab } from '../support/log.lab.js';
import { ALEX, ROBIN, SYSTEM, actorOf, newSession } from '../support/sessions.js';

const HOUR_MS = 3_600_000;
const BEGUN = Date.parse('2026-03-01T00:00:00.000Z');
const PLAIN = newSession();

const traced = (letter: string) =>
  traceparentOf({ traceId: letter.repeat(32), spanId: 'e'.repeat(16), isSampled: true });
const OF = traced('a');
/** As people may write it: it is of no trace. */
const QUOTED = `"traceparent":"${OF}"}`;

let lab: LogLab;
let api: Api;
beforeAll(async () => {
  lab = await LogLab.start();
  const written: Partial<AuditFacts>[] = [
    { actor: { ...actorOf(ROBIN), traceparent: OF } },
    { actor: { ...actorOf(ALEX), traceparent: traced('b') } },
    { session: { ...PLAIN, traceparent: OF } },
    { data: { traceparent: OF, comment: QUOTED } },
    { session: { ...PLAIN, request: { ...PLAIN.request, ticket: QUOTED } } },
    { actor: { ...actorOf(ROBIN), traceparent: OF }, data: { why: 'heisenbug' } },
  ];
  for (const [hour, over] of written.entries()) {
    await lab.audit.append(
      auditEntry({
        at: new Date(BEGUN + hour * HOUR_MS),
        action: 'session.note',
        outcome: 'success',
        actor: SYSTEM,
        ...over,
      }),
    );
  }
  await lab.replica().once();
  const index = new PrismaAuditIndex(lab.database);
  const clock = { now: () => new Date() };
  api = await startApi({
    deps: { searchAudit: new SearchAudit({ index, log: lab.audit, clock }) },
  });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const found = async (query: string): Promise<number[]> => {
  const path = `/v1/audit/search?${query}`;
  const answer = await api.call('searchAudit', { who: 'auditor', path });
  expect(answer.status).toBe(200);
  return AuditSearchPage.parse(answer.body).items.map((it) => it.index);
};

describe('a search by trace', () => {
  test.each([
    ['a'.repeat(32), [5, 2, 0]],
    ['A'.repeat(32), [5, 2, 0]],
    [OF, [5, 2, 0]],
    [traced('b'), [1]],
    [traced('c'), []],
    [`${OF}&person=robin`, [5, 0]],
    [`${OF}&text=heisenbug`, [5]],
    [`${OF}&from=2026-03-01T01:00:00Z`, [5, 2]],
    [`${OF}&from=2026-03-01T01:00:00Z&until=2026-03-01T03:00:00Z`, [2]],
  ])('for %j finds the events of that trace and no others', async (query, at) => {
    expect(await found(`trace=${query}`)).toEqual(at);
  });

  test('goes on page by page, and counts', async () => {
    const path = `/v1/audit/search?trace=${OF}&limit=2`;
    const { body } = await api.call('searchAudit', { who: 'auditor', path });
    expect(body.items).toHaveLength(2);
    expect(await found(`trace=${OF}&limit=2&cursor=${body.nextCursor}`)).toEqual([0]);
    const counted = await api.call('countAudit', {
      who: 'auditor',
      path: `/v1/audit/counts?by=person&trace=${'a'.repeat(32)}`,
    });
    expect(AuditCounts.parse(counted.body)).toMatchObject({ total: 3 });
  });

  test('refuses what is no trace, with a sentence that says what is one', async () => {
    for (const bad of ['0'.repeat(32), 'a'.repeat(31), `00-${'a'.repeat(32)}`, 'mine']) {
      const path = `/v1/audit/search?trace=${bad}`;
      const { status, body } = await api.call('searchAudit', { who: 'auditor', path });
      expect([bad, status]).toEqual([bad, 400]);
      expect(JSON.stringify(body)).toContain('32 hexadecimal digits that are not all 0');
    }
  });

  test('says of itself which trace was asked for, as its id', async () => {
    await found(`trace=${traced('d')}`);
    await lab.replica().once();
    const { body } = await api.call('searchAudit', {
      who: 'auditor',
      path: '/v1/audit/search?action=audit.searched&limit=1',
    });
    expect(body.items[0].body.data.filter).toEqual({ trace: 'd'.repeat(32) });
  });

  test('is served by an index, and by none of all events', async () => {
    const { sql, values } = whereOf({ trace: 'a'.repeat(32), from: new Date(BEGUN) });
    const plan = await inTransaction(lab.database.pool, async (client) => {
      await client.query('SET LOCAL enable_seqscan = off');
      const { rows } = await client.query(`EXPLAIN SELECT index FROM audit_facts WHERE ${sql}`, [
        ...values,
      ]);
      return JSON.stringify(rows);
    });
    expect(plan).toContain('audit_events_trace_at_idx');
    expect(plan).not.toContain('Seq Scan');
  });

  test('takes no bytes amiss, so that no event is refused for its index', async () => {
    const index = await lab.database.pool.query<{ trace: string }>(
      `SELECT pg_get_indexdef('audit_events_trace_at_idx'::regclass, 1, true) AS trace`,
    );
    const trace = index.rows[0]?.trace ?? '';
    const end = Buffer.from(`"traceparent":"${OF}"}`);
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((it) => Buffer.concat([it, end])),
      fc.uint8Array({ minLength: 1, maxLength: 9 }).map((it) => Buffer.concat([end, it])),
    );
    const sample = fc.sample(bodies, 500).map((it) => Buffer.from(it));
    const { rows } = await lab.database.pool.query<{ trace: string | null }>(
      `SELECT ${trace} AS trace FROM unnest($1::bytea[]) WITH ORDINALITY AS t (body, at) ORDER BY at`,
      [sample],
    );
    expect(rows.map((it) => it.trace)).toEqual(
      sample.map((it) => (it.subarray(-end.length).equals(end) ? 'a'.repeat(32) : null)),
    );
  });
});

test('hallpass finds and counts by trace as the API does', async () => {
  await using home = await HallpassHome.make({
    HALLPASS_SERVER: api.url,
    HALLPASS_TOKEN: 'auditor',
  });
  const run = (...args: string[]) => home.run(['audit', ...args]);
  const of = ['--trace', traced('b')] as const;
  const search = await run('search', ...of);
  expect(search.stdout.toString()).toMatch(/^WHEN .*\n.* session\.note +success +alex *\n$/);
  const wide = await run('search', '--action', 'session.note', '-o', 'wide');
  const traces = wide.stdout.toString().match(/(?<= )(?:TRACE|[0-9a-f]{32})?$/gm);
  expect(traces?.slice(0, 4)).toEqual(['TRACE', 'a'.repeat(32), '', '']);
  const counts = await run('counts', '--by', 'person', ...of);
  expect(counts.stdout.toString()).toBe('PERSON  EVENTS\nalex    1\n');
  const refused = await run('search', '--trace', 'mine');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('must be the id of a trace, 32 hexadecimal digits');
});
