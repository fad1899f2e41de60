import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManagementServer } from '../../src/adapters/http/management.server.js';
import { FIRST, METRICS } from '../../src/adapters/metrics/metric.catalogue.js';
import { PrometheusStopwatch } from '../../src/adapters/metrics/prometheus.stopwatch.js';
import { UNKNOWN } from '../../src/domain/cluster.health.js';
import type { Tally } from '../../src/app/ports/tally.js';
import { PrometheusMetrics } from '../../src/adapters/metrics/prometheus.metrics.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { tally } from '../../src/adapters/prisma/prisma-tally.js';
import type { PolicyStanding } from '../../src/app/follow-policies.js';
import { newCounts } from '../../src/app/live-streams.js';
import { metricsDocument } from '../../scripts/metrics.document.js';
import type { TestDatabase } from '../support/postgres.js';
import { onCallReadiness } from '../../src/app/views/on-call-standing.view.js';
import { freshDatabase } from '../support/postgres.js';

const AT = new Date('2026-03-04T10:00:00Z');
const SOURCES = [
  { name: 'payments', lastSuccessAt: AT, lastError: null },
  { name: 'platform', lastSuccessAt: null, lastError: 'answered 500' },
  { name: 'asked-now', lastSuccessAt: null, lastError: null },
];
const AUDIT = {
  parted: { why: 'it was changed', since: AT },
  waitsFor: ['pager'],
  inspected: { events: 512, passes: 2, misfiled: 0 },
  anchors: [
    { name: 'vault', comparedAt: AT, failures: 1, foreign: 0 },
    { name: 'pager', comparedAt: null, failures: 0, foreign: 0 },
  ],
};
let fresh: TestDatabase;
let database: Database;
let standing: PolicyStanding;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 4 }, () => undefined);
  const inForce = { seq: 1, hash: 'a1', replica: 'r', at: AT, until: null };
  standing = { inForce, folder: 'force', errors: [], failures: 0, isBlocked: false };
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const STREAMS = {
  ...newCounts(),
  terminal: { open: 2, opened: 3, bytesIn: 10, bytesOut: 4_000 },
};

async function collected(
  count: () => Promise<Tally>,
  stopwatch = new PrometheusStopwatch(),
): Promise<string> {
  const metrics = new PrometheusMetrics(
    {
      clockCorrection: () => 0,
      files: () => [{ key: 'slack.botTokenFile', renewed: 2, isUsed: false }],
      certificates: () => [{ key: 'server.tls.certFile', validTo: new Date(60_000) }],
      retained: () => ({ dropped: 5, failures: 1, completedAt: new Date(60_000) }),
      sinks: () =>
        Promise.resolve([
          {
            name: 'siem',
            lagEvents: 12,
            lagSeconds: 3.5,
            deadLetters: 1,
            failingSince: null,
            next: 0,
            replaying: 0,
            lastError: null,
          },
        ]),
      channels: () =>
        Promise.resolve([
          {
            name: 'mail',
            kind: 'email',
            state: 'failing',
            waiting: 4,
            oldestSeconds: 8.5,
            dead: 2,
            failingSince: AT.toISOString(),
            lastError: 'is away',
            deliveredAt: null,
          },
        ]),
      slack: () => Promise.resolve({ due: 4, dueSeconds: 2.5, gone: 1 }),
      slackConnected: () => true,
      spans: () => ({ sent: 5, dropped: { 'queue-full': 2, 'not-taken': 1 } }),
      policies: () => standing,
      tally: count,
      onCall: () => SOURCES,
      recordings: () => ({ open: 3, chunks: 7, storedBytes: 9, failures: 1, abandoned: 2 }),
      streams: () => STREAMS,
      audit: () => AUDIT,
      heard: () => [
        { name: 'prod', read: 5, unreadable: 1, bypasses: 2, busy: 3, heardAt: AT },
        { name: 'quiet', read: 0, unreadable: 0, bypasses: 0, busy: 0, heardAt: null },
      ],
      clusters: () => [
        {
          name: 'prod',
          state: 'reachable',
          since: AT,
          answeredAt: new Date(),
          trouble: null,
          version: 'v1.36.2',
          unsupported: null,
          credentials: { readAt: AT, refusedSince: new Date(Date.now() - 90_000) },
        },
        {
          name: 'away',
          state: 'unreachable',
          since: AT,
          answeredAt: null,
          trouble: 'timed-out',
          version: null,
          unsupported: null,
          credentials: { readAt: AT, refusedSince: null },
        },
        { name: 'new', ...UNKNOWN, credentials: { readAt: null, refusedSince: null } },
      ],
      anchorLags: () => Promise.resolve([{ name: 'vault', events: 12, seconds: 3.5 }]),
    },
    stopwatch,
  );
  await using opened = new AsyncDisposableStack();
  const server = new ManagementServer([], metrics);
  const port = await server.listen(0, '127.0.0.1');
  opened.defer(() => server.close());
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return await response.text();
}

const fromDatabase = () => tally(database, AT);

test('the audit logs of Kubernetes are counted by cluster, and none is heard that never was', async () => {
  const text = await collected(fromDatabase);
  for (const line of [
    'hallpass_bypasses_found_total{cluster="prod"} 2',
    'hallpass_bypasses_found_total{cluster="quiet"} 0',
    'hallpass_kubernetes_audit_events_total{cluster="prod",outcome="unreadable"} 1',
    'hallpass_kubernetes_audit_batches_refused_total{cluster="prod"} 3',
    `hallpass_kubernetes_audit_heard_timestamp_seconds{cluster="prod"} ${AT.getTime() / 1000}`,
  ])
    expect(text).toContain(`${line}\n`);
  expect(text).not.toContain('heard_timestamp_seconds{cluster="quiet"}');
});

test('of clusters it is told whether they can be reached, once that is known, and when they last answered', async () => {
  const text = await collected(fromDatabase);
  for (const line of [
    'hallpass_cluster_up{cluster="prod"} 1',
    'hallpass_cluster_up{cluster="away"} 0',
    'hallpass_cluster_unsupported{cluster="prod"} 0',
    'hallpass_cluster_credentials_refused_seconds{cluster="away"} 0',
  ])
    expect(text).toContain(`${line}\n`);
  expect(text).not.toContain('hallpass_cluster_up{cluster="new"}');
  expect(text).toMatch(/^hallpass_cluster_answer_age_seconds\{cluster="prod"\} \d/m);
  expect(text).not.toContain('answer_age_seconds{cluster="away"}');
  expect(text).toMatch(/^hallpass_cluster_credentials_refused_seconds\{cluster="prod"\} 9\d/m);
});

test('all metrics of the catalogue are told, beside those of the process', async () => {
  const text = await collected(fromDatabase);
  for (const { name, type } of Object.values(METRICS)) {
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
    expect(name).toMatch(type === 'counter' ? /^hallpass_[a-z_]+_total$/ : /^hallpass_[a-z_]+$/);
  }
  expect(text).toContain('hallpass_policy_set_info{hash="a1"} 1\n');
  expect(text).toContain(
    `hallpass_policy_set_activated_timestamp_seconds ${AT.getTime() / 1000}\n`,
  );
  expect(text).toContain('hallpass_sessions{state="ending"} 0\n');
  expect(text).toContain('hallpass_database_up 1\n');
  expect(text).toContain('hallpass_sessions_past_deadline 0\n');
  expect(text).toContain('hallpass_session_past_deadline_seconds 0\n');
  expect(text).toContain('hallpass_audit_unsequenced_events 0\n');
  expect(text).not.toMatch(/^hallpass_audit_checkpoint_age_seconds/m);
  expect(text).toContain('hallpass_reviews_open 0\n');
  expect(text).toContain('hallpass_reviews_overdue 0\n');
  expect(text).toContain('hallpass_on_call_source_up{source="payments"} 1\n');
  expect(text).toContain('hallpass_on_call_source_up{source="platform"} 0\n');
  expect(text).not.toContain('asked-now');
  expect(text).toContain('hallpass_recordings_open 3\n');
  expect(text).toContain('hallpass_recording_chunks_total 7\n');
  expect(text).toContain('hallpass_recordings_abandoned_total 2\n');
  const success = 'hallpass_on_call_source_last_success_timestamp_seconds{';
  expect(text).toContain(`${success}source="payments"} ${AT.getTime() / 1000}\n`);
  expect(text).not.toContain(`${success}source="platform"}`);
  expect(text).toContain('hallpass_streams{kind="terminal"} 2\n');
  expect(text).toContain('hallpass_streams_opened_total{kind="terminal"} 3\n');
  expect(text).toContain('hallpass_stream_bytes_total{kind="terminal",direction="out"} 4000\n');
  expect(text).toContain('hallpass_audit_parted 1\n');
  expect(text).toContain('hallpass_audit_inspected_events_total 512\n');
  expect(text).toContain('hallpass_audit_anchor_lag_events{anchor="vault"} 12\n');
  expect(text).toContain('hallpass_audit_anchor_lag_seconds{anchor="vault"} 3.5\n');
  expect(text).toContain('hallpass_audit_anchor_failures_total{anchor="vault"} 1\n');
  const compared = 'hallpass_audit_anchor_compared_timestamp_seconds{';
  expect(text).toContain(`${compared}anchor="vault"} ${AT.getTime() / 1000}\n`);
  expect(text).not.toContain(`${compared}anchor="pager"}`);
  expect(text).toContain('hallpass_notices_waiting{channel="mail"} 4\n');
  expect(text).toContain('hallpass_notice_lag_seconds{channel="mail"} 8.5\n');
  expect(text).toContain('hallpass_notices_dead{channel="mail"} 2\n');
  expect(text).toContain('hallpass_channel_up{channel="mail"} 0\n');
  expect(text).toContain('hallpass_slack_sessions_due 4\n');
  expect(text).toContain('hallpass_slack_due_seconds 2.5\n');
  expect(text).toContain('hallpass_slack_posts_gone 1\n');
  expect(text).toContain('hallpass_slack_connected 1\n');
  expect(text).toContain('process_cpu_seconds_total');
});

test('a set that is switched, refused or cannot be read is seen, and no hash of before', async () => {
  standing = { ...standing, inForce: { ...standing.inForce, hash: 'b2' } };
  standing = { ...standing, folder: 'refused', failures: 3, isBlocked: true };
  const text = await collected(fromDatabase);
  expect(text.match(/hallpass_policy_set_info\{.*/g)).toEqual([
    'hallpass_policy_set_info{hash="b2"} 1',
  ]);
  expect(text).toContain('hallpass_policy_load_failures_total 3\n');
  expect(text).toContain('hallpass_policy_folder_differs 1\n');
  expect(text).toContain('hallpass_policy_blocked 1\n');
});

test('what took long is told in buckets whose bounds rise, of all replicas by their sum', async () => {
  const [one, other] = [new PrometheusStopwatch(), new PrometheusStopwatch()];
  one.took('timeToPrompt', 0.4, { cluster: 'prod' });
  other.took('timeToPrompt', 40, { cluster: 'prod' });
  const texts = await Promise.all([one, other].map((it) => collected(fromDatabase, it)));
  const sumOf = (series: string) =>
    texts
      .map((text) => text.split('\n').find((line) => line.startsWith(`${series} `)))
      .reduce((sum, line) => sum + Number(line?.split(' ')[1]), 0);
  const bucket = (le: string) =>
    sumOf(`hallpass_time_to_prompt_seconds_bucket{le="${le}",cluster="prod"}`);
  expect([bucket('0.25'), bucket('0.5'), bucket('30'), bucket('60')]).toEqual([0, 1, 1, 2]);
  expect(sumOf('hallpass_time_to_prompt_seconds_sum{cluster="prod"}')).toBe(40.4);
  expect(texts[0]).toContain('hallpass_consent_wait_seconds_count{outcome="lapsed"} 0\n');
  for (const metric of Object.values(METRICS))
    if (metric.type === 'histogram')
      expect(metric.buckets).toEqual([...new Set(metric.buckets)].sort((a, b) => a - b));
});

test('no metric has a label that could name a person, a Pod or a namespace', () => {
  const labels = new Set<string>(Object.values(METRICS).flatMap((it) => [...it.labels]));
  const isOfPlaces = ['cluster', 'anchor', 'sink', 'channel', 'source', 'hash', 'key'];
  const areFew = ['state', 'kind', 'direction', 'outcome', 'method', 'route', 'status', 'why'];
  expect([...labels].sort()).toEqual([...isOfPlaces, ...areFew].sort());
});

test('those that matter first are the ones of the promises, and come first in the documents', async () => {
  const names = FIRST.map((it) => METRICS[it].name);
  for (const needed of [
    'hallpass_sessions_past_deadline',
    'hallpass_session_past_deadline_seconds',
    'hallpass_time_to_prompt_seconds',
    'hallpass_consent_wait_seconds',
    'hallpass_audit_unsequenced_seconds',
    'hallpass_audit_checkpoint_age_seconds',
    'hallpass_recording_failures_total',
    'hallpass_bypasses_found_total',
  ])
    expect(names).toContain(needed);
  const told = [...metricsDocument().matchAll(/^\| `(hallpass_\w+)/gm)].map(([, name]) => name);
  expect(told.slice(0, names.length)).toEqual(names);
  expect(told.toSorted()).toEqual(
    Object.values(METRICS)
      .map(({ name }) => name)
      .toSorted(),
  );
});

test('what the database does not tell is left out, and the rest told', async () => {
  const text = await collected(() => Promise.reject(new Error('away')));
  expect(text).toContain('hallpass_policy_set_info{hash="b2"} 1');
  expect(text).toContain('hallpass_database_up 0\n');
  expect(text).not.toMatch(/^hallpass_(sessions|reviews_open|reviews_overdue|audit_unsequenced)/m);
});

test('readiness names the on-call sources that do not answer, and is ready all the same', () => {
  expect(onCallReadiness(SOURCES.slice(0, 1))).toBe(true);
  expect(onCallReadiness(SOURCES)).toEqual({
    ok: true,
    note: 'these on-call sources do not answer: platform (answered 500)',
  });
});
