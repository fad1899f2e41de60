import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { CHART } from '../support/chart.lab.js';

const FILE = resolve(CHART, 'files/alerts.yaml');
/** Prometheus' own tool: where it is not installed, the alerts are read by the same grammar and not played. */
const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0;

/** By series, a value each minute from 0 on, as promtool writes them, N times: `3xN` stays, `0+1xN` grows. */
type Played = Readonly<Record<string, string>>;
interface Row {
  /** What it is not to fire at. */
  readonly calm: Played;
  readonly bad: Played;
  readonly labels?: Readonly<Record<string, string>>;
  readonly says: string;
  readonly atMinutes?: number;
}

const stays = (value: number) => `${value}xN`;
const GROWS = '0+1xN';
const one = (name: string, labels: string, [calm, bad]: readonly [string, string]) => ({
  calm: { [`hallpass_${name}{${labels}}`]: calm },
  bad: { [`hallpass_${name}{${labels}}`]: bad },
});
const PROMPT = 'hallpass_time_to_prompt_seconds';
const HTTP = 'hallpass_http_request_duration_seconds';
const promptsUpTo = (le: string): Played => ({
  [`${PROMPT}_bucket{cluster="prod",le="10"}`]: le === '10' ? GROWS : stays(0),
  [`${PROMPT}_bucket{cluster="prod",le="30"}`]: le === '10' ? GROWS : stays(0),
  [`${PROMPT}_bucket{cluster="prod",le="60"}`]: GROWS,
  [`${PROMPT}_bucket{cluster="prod",le="+Inf"}`]: GROWS,
  [`${PROMPT}_count{cluster="prod"}`]: GROWS,
});
const answersUpTo = (le: string): Played => ({
  [`${HTTP}_bucket{le="2.5"}`]: le === '2.5' ? GROWS : stays(0),
  [`${HTTP}_bucket{le="10"}`]: GROWS,
  [`${HTTP}_bucket{le="+Inf"}`]: GROWS,
});
const answers = (failed: string): Played => ({
  [`${HTTP}_count{status="2xx"}`]: '0+4xN',
  [`${HTTP}_count{status="5xx"}`]: failed,
});
const OF_CLUSTER = { cluster: 'prod' };

const ROWS: Readonly<Record<string, Row>> = {
  HallpassSessionPastDeadline: {
    ...one('session_past_deadline_seconds', '', [stays(30), stays(90)]),
    says: 'The oldest is 1m 30s past it.',
  },
  HallpassSessionDoesNotEnd: {
    ...one('sessions', 'state="ending"', [stays(0), stays(2)]),
    says: '2 sessions wait for the cluster to say that their containers have ended.',
  },
  HallpassBypass: {
    ...one('bypasses_found_total', 'cluster="prod"', [stays(5), GROWS]),
    labels: OF_CLUSTER,
    says: 'In prod, 15 calls in fifteen minutes.',
  },
  HallpassReviewOverdue: {
    ...one('reviews_overdue', '', [stays(0), stays(3)]),
    says: '3 reviews are owed and late.',
  },
  HallpassPromptSlow: {
    calm: promptsUpTo('10'),
    bad: promptsUpTo('60'),
    labels: OF_CLUSTER,
    says: 'In prod, one in ten waits for 57s or longer.',
  },
  HallpassStartsFailing: {
    ...one('session_start_seconds_count', 'cluster="prod",outcome="failed"', [stays(9), GROWS]),
    labels: OF_CLUSTER,
    says: 'In prod, 15 starts failed in fifteen minutes.',
  },
  HallpassRecordingFailing: {
    ...one('recording_failures_total', '', [stays(7), GROWS]),
    says: '10 recordings failed to begin, failed to go on, or have a gap, in ten minutes.',
  },
  HallpassAuditParted: {
    ...one('audit_parted', '', [stays(0), stays(1)]),
    says: 'Nothing is signed any more.',
  },
  HallpassAuditUnsigned: {
    ...one('audit_unsequenced_seconds', '', [stays(1), stays(90)]),
    says: 'The oldest waits for 1m 30s; usually it is less than a second.',
  },
  HallpassAuditWaitsForAnchors: {
    ...one('audit_waits_for_anchors', '', [stays(0), stays(2)]),
    says: '2 anchors have not answered since the replica started.',
  },
  HallpassAnchorBehind: {
    ...one('audit_anchor_lag_seconds', 'anchor="vault"', [stays(60), stays(1_000)]),
    labels: { anchor: 'vault' },
    says: 'vault lacks the newest ones, for 16m 40s.',
  },
  HallpassAnchorNotCompared: {
    ...one('audit_anchor_compared_timestamp_seconds', 'anchor="vault"', ['0+60xN', stays(0)]),
    labels: { anchor: 'vault' },
    says: 'vault was last compared 2h 0m 0s ago.',
    atMinutes: 120,
  },
  HallpassAnchorForeign: {
    ...one('audit_anchor_foreign_checkpoints', 'anchor="vault"', [stays(0), stays(1)]),
    labels: { anchor: 'vault' },
    says: 'vault has 1 that none of our keys signed.',
  },
  HallpassAuditMisfiled: {
    ...one('audit_misfiled_total', '', [stays(4), GROWS]),
    says: '60 in the last hour.',
    atMinutes: 90,
  },
  HallpassSinkBehind: {
    ...one('audit_sink_lag_seconds', 'sink="siem"', [stays(60), stays(1_000)]),
    labels: { sink: 'siem' },
    says: 'siem lacks events for 16m 40s.',
  },
  HallpassSinkRefused: {
    ...one('audit_sink_dead_letters', 'sink="siem"', [stays(0), stays(2)]),
    labels: { sink: 'siem' },
    says: 'siem has 2 dead letters.',
  },
  HallpassRetentionFailing: {
    ...one('audit_retention_failures_total', '', [stays(2), GROWS]),
    says: 'It failed 360 times in six hours.',
    atMinutes: 400,
  },
  HallpassClusterAuditSilent: {
    ...one('kubernetes_audit_heard_timestamp_seconds', 'cluster="prod"', ['0+60xN', stays(0)]),
    labels: OF_CLUSTER,
    says: 'prod was last heard 1d 1h 0m 0s ago.',
    atMinutes: 1_500,
  },
  HallpassClusterAuditUnreadable: {
    ...one('kubernetes_audit_events_total', 'cluster="prod",outcome="unreadable"', [
      stays(5),
      GROWS,
    ]),
    labels: OF_CLUSTER,
    says: 'From prod, 60 entries in an hour.',
    atMinutes: 90,
  },
  HallpassChannelDown: {
    ...one('channel_up', 'channel="mail"', [stays(1), stays(0)]),
    labels: { channel: 'mail' },
    says: 'mail fails, or is gone.',
  },
  HallpassNoticesLate: {
    ...one('notice_lag_seconds', 'channel="mail"', [stays(60), stays(1_000)]),
    labels: { channel: 'mail' },
    says: 'The oldest for mail waits for 16m 40s.',
  },
  HallpassSlackBehind: {
    ...one('slack_due_seconds', '', [stays(5), stays(200)]),
    says: 'The oldest waits for 3m 20s.',
  },
  HallpassOnCallSourceDown: {
    ...one('on_call_source_up', 'source="platform"', [stays(1), stays(0)]),
    labels: { source: 'platform' },
    says: 'platform could not be asked by any replica.',
  },
  HallpassPoliciesRefused: {
    ...one('policy_load_failures_total', '', [stays(3), GROWS]),
    says: 'What was in force before stays in force.',
  },
  HallpassPoliciesBlocked: {
    ...one('policy_blocked', '', [stays(0), stays(1)]),
    says: 'It decides nothing: who asks there is refused.',
  },
  HallpassPoliciesDiverged: {
    calm: {
      'hallpass_policy_set_info{hash="a",pod="0"}': '1xN',
      'hallpass_policy_set_info{hash="a",pod="1"}': '1xN',
    },
    bad: {
      'hallpass_policy_set_info{hash="a"}': '1xN',
      'hallpass_policy_set_info{hash="b"}': '1xN',
    },
    says: '2 sets are believed to be in force.',
  },
  HallpassPolicyFolderDiffers: {
    ...one('policy_folder_differs', '', [stays(0), stays(1)]),
    says: 'For longer than a roll-out takes.',
  },
  HallpassDown: {
    calm: { 'hallpass_policy_set_info{hash="a"}': '1xN' },
    bad: {},
    says: 'Prometheus has no metrics of any.',
  },
  HallpassDatabaseDown: {
    ...one('database_up', '', [stays(1), stays(0)]),
    says: 'It is not ready, and nobody can ask for anything there.',
  },
  HallpassClusterUnreachable: {
    ...one('cluster_up', 'cluster="prod"', [stays(1), stays(0)]),
    labels: OF_CLUSTER,
    says: 'A replica has had no answer of prod for five minutes: nobody can ask for sessions there.',
  },
  HallpassClusterUnsupported: {
    ...one('cluster_unsupported', 'cluster="prod"', [stays(0), stays(1)]),
    labels: OF_CLUSTER,
    says: 'prod is older than Kubernetes 1.25, or lacks pods/ephemeralcontainers.',
  },
  HallpassClusterCredentialsRefused: {
    ...one('cluster_credentials_refused_seconds', 'cluster="prod"', [stays(90), stays(1_000)]),
    labels: OF_CLUSTER,
    says: 'Those before are used for prod, for 16m 40s now, until they expire.',
  },
  HallpassCertificateExpiring: {
    ...one('certificate_expiry_timestamp_seconds', 'key="server.tls.certFile"', [
      stays(2_000_000),
      stays(90_000),
    ]),
    labels: { key: 'server.tls.certFile' },
    says: 'server.tls.certFile is valid for 1d 0h 0m 0s more.',
  },
  HallpassClockOff: {
    ...one('clock_correction_seconds', '', [stays(1), '-30xN']),
    says: 'By 30s; the replica goes by the database.',
  },
  HallpassFileNotTakenUp: {
    ...one('file_unused', 'key="slack.botTokenFile"', [stays(0), stays(1)]),
    labels: { key: 'slack.botTokenFile' },
    says: 'slack.botTokenFile: what was in it before is used on, and the next start may fail.',
  },
  HallpassAnswersSlow: {
    calm: answersUpTo('2.5'),
    bad: answersUpTo('10'),
    says: 'One request in a hundred waits for 9.925s or longer.',
  },
  HallpassAnswersFailing: {
    calm: answers(stays(50)),
    bad: answers(GROWS),
    says: '20% of all answers are 5xx.',
  },
};

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

let rules: Rule[];
let folder: string;
beforeAll(async () => {
  const { groups } = parse(await readFile(FILE, 'utf8')) as { groups: { rules: Rule[] }[] };
  rules = groups.flatMap((group) => group.rules);
  folder = await mkdtemp(join(tmpdir(), 'hallpass-rules-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('every alert is played, firing and calm', () => {
  expect(Object.keys(ROWS).sort()).toEqual(rules.map(({ alert }) => alert).sort());
});

test.skipIf(!HAS_PROMTOOL)('promtool takes the rules', async () => {
  const { stdout } = await promisify(execFile)('promtool', ['check', 'rules', FILE]);
  expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
});

test.skipIf(!HAS_PROMTOOL)(
  'each alert fires where something is wrong, and says what; and not where nothing is',
  async () => {
    const tests = rules.flatMap(({ alert, labels, annotations }) => {
      const row = ROWS[alert];
      if (!row) throw new Error(`${alert} is not played`);
      const { atMinutes = 60 } = row;
      const inNamespace = alert === 'HallpassDown' ? {} : { namespace: 'hallpass' };
      const expected = {
        exp_labels: { ...labels, ...inNamespace, ...row.labels },
        exp_annotations: { ...annotations, description: row.says },
      };
      return [
        { played: row.bad, fires: [expected] },
        { played: row.calm, fires: [] },
      ].map(({ played, fires }) => ({
        minutes: atMinutes,
        played: {
          interval: '1m',
          input_series: Object.entries(played).map(([series, values]) => ({
            series: series.replace('{', '{namespace="hallpass",'),
            values: values.replace('xN', `x${atMinutes + 1}`),
          })),
          alert_rule_test: [{ eval_time: `${atMinutes}m`, alertname: alert, exp_alerts: fires }],
        },
      }));
    });
    // What takes a day is not evaluated each minute of it.
    const isLong = ({ minutes }: { minutes: number }) => minutes > 120;
    for (const [name, some, evaluation_interval] of [
      ['short', tests.filter((it) => !isLong(it)), '1m'],
      ['long', tests.filter(isLong), '10m'],
    ] as const) {
      const file = join(folder, `${name}.yaml`);
      const played = some.map(({ played: it }) => it);
      await writeFile(file, stringify({ rule_files: [FILE], evaluation_interval, tests: played }));
      const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
        encoding: 'utf8',
      });
      expect(stdout + stderr).not.toContain('FAILED');
      expect(stdout).toContain('SUCCESS');
    }
  },
  60_000,
);
