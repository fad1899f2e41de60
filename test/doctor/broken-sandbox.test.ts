import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileAnchor } from '../../sandbox/broker/broker.config.js';
import { allow, disallow } from '../../sandbox/cluster/cluster.grants.js';
import { SkewedWay } from '../../sandbox/cluster/skewed.way.js';
import { freePort } from '../../sandbox/free.port.js';
import { CLUSTER_RIGHTS } from '../../src/domain/cluster.rights.js';
import { rightText } from '../../src/domain/doctor/rights.verdict.js';
import { lockdownTexts } from '../lockdown/lockdown.files.js';
import { BrokerLab } from '../support/broker.lab.js';
import { SlackLab } from '../support/slack.lab.js';
import { doctor, Findings, subject } from './doctor.lab.js';

const NAMESPACES = ['payments', 'staging'];
const DIGEST = `registry.example.com/debug@sha256:${'a'.repeat(64)}`;

let lab: BrokerLab;
let policies: string;

beforeAll(async () => {
  lab = await BrokerLab.start();
  policies = join(lab.sandbox.folder, 'policies-by-digest');
  await mkdir(policies);
  await writeFile(
    join(policies, 'profiles.yaml'),
    `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: restricted }
spec:
  image: ${DIGEST}
  securityContext:
    allowPrivilegeEscalation: false
    capabilities: { drop: [ALL] }
    runAsNonRoot: true
    seccompProfile: { type: RuntimeDefault }
`,
  );
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose]());

/** What the broker's account is given, by a Role in one namespace. */
const rulesWithout = (missing: string) =>
  CLUSTER_RIGHTS.filter((right) => rightText(right) !== missing).map(
    ({ verb, group, resource, subresource }) => ({
      verbs: [verb],
      apiGroups: [group],
      resources: [subresource === '' ? resource : `${resource}/${subresource}`],
    }),
  );

describe('a sandbox that is set up as it should be', () => {
  test('has rows that are ok, or unknown since nobody may look, and no others', async () => {
    const { path } = await lab.config({ policies, anchors: [fileAnchor(lab.sandbox.folder)] });
    const { all } = await doctor({ config: path });
    expect(all.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'unknown')).toEqual([]);
    expect(all.filter(({ verdict }) => verdict === 'unknown').map(({ check }) => check)).toEqual([
      'ways-around',
      'lock-down',
      'audit-webhook',
    ]);
  });

  test('is ok for its administrator too, once the lock-down kit is enforced', async () => {
    lab.sandbox.cluster.admission.use(...lockdownTexts('enforce'));
    const { all } = await doctor({
      kubeconfig: lab.sandbox.adminKubeconfig,
      namespaces: NAMESPACES,
      subjects: [subject('user:alice')],
    });
    expect(all.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'unknown')).toEqual([]);
    expect(new Findings(all).row('lock-down', '').verdict).toBe('ok');
    expect(new Findings(all).row('ways-around', 'user:alice').verdict).toBe('ok');
  });
});

describe('a cluster that is broken', () => {
  test('without a right that Hallpass needs fails, in that namespace, with the line to add', async () => {
    const { cluster } = lab.sandbox;
    const account = { namespace: 'hallpass', name: 'hallpass', inNamespace: 'payments' };
    cluster.addServiceAccount({ ...account, rules: rulesWithout('create pods/exec') });
    try {
      const { path } = await lab.config();
      for (const found of [
        await doctor({ config: path }),
        await doctor({ kubeconfig: lab.sandbox.adminKubeconfig, namespaces: NAMESPACES }),
      ]) {
        expect(found.row('rights', '/payments')).toMatchObject({
          verdict: 'failure',
          seen: 'it may not create pods/exec',
          advice: expect.stringContaining("resources: ['pods/exec'], verbs: ['create']"),
        });
        expect(found.row('rights', '/staging').verdict).toBe('ok');
      }
    } finally {
      cluster.addServiceAccount({ ...account, rules: rulesWithout('') });
    }
  });

  test('with others who may go around Hallpass tells who, by which binding, and how', async () => {
    const { cluster, adminKubeconfig: kubeconfig } = lab.sandbox;
    allow(cluster, {
      name: 'developers-exec',
      rules: [{ verbs: ['create'], apiGroups: [''], resources: ['pods/exec'] }],
      to: [{ kind: 'Group', name: 'developers' }],
    });
    allow(cluster, {
      name: 'monitoring',
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['nodes/proxy'] }],
      to: [{ kind: 'User', name: 'prometheus' }],
    });
    allow(cluster, {
      name: 'hallpass-too-much',
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'] }],
      to: [{ kind: 'ServiceAccount', name: 'hallpass', namespace: 'hallpass' }],
    });
    try {
      const subjects = [subject('group:developers'), subject('user:alice')];
      const found = await doctor({ kubeconfig, namespaces: NAMESPACES, subjects });
      expect(found.row('ways-around', ': run commands')).toMatchObject({
        verdict: 'warning',
        seen: expect.stringContaining('group:developers (ClusterRoleBinding developers-exec)'),
      });
      expect(found.row('ways-around', 'nodes/proxy')).toMatchObject({
        verdict: 'failure',
        seen: expect.stringContaining('user:prometheus (ClusterRoleBinding monitoring)'),
      });
      expect(found.row('ways-around', ' group:developers')).toMatchObject({
        verdict: 'warning',
        seen: 'it may run commands in containers',
      });
      expect(found.row('ways-around', ' user:alice').verdict).toBe('ok');
      expect(found.row('rights-beyond', '/payments').seen).toBe('it may get secrets');

      const except = [subject('group:developers'), subject('user:prometheus')];
      const excepted = await doctor({ kubeconfig, namespaces: NAMESPACES, except });
      expect(excepted.row('ways-around', ': run commands').verdict).toBe('ok');
      expect(excepted.row('ways-around', 'nodes/proxy').verdict).toBe('ok');
    } finally {
      for (const name of ['developers-exec', 'monitoring', 'hallpass-too-much']) {
        disallow(cluster, name);
      }
    }
  });

  test('whose clock is elsewhere is warned of, and fails where it is far', async () => {
    for (const [aheadMs, verdict] of [
      [10_000, 'warning'],
      [-120_000, 'failure'],
    ] as const) {
      await using way = await SkewedWay.open(lab.sandbox, aheadMs);
      const kubeconfig = await way.kubeconfig();
      const found = await doctor({ kubeconfig, namespaces: NAMESPACES });
      expect(found.row('clock', '')).toMatchObject({ verdict });
    }
  });

  test('that is away fails, and all else of it is unknown, in time', async () => {
    const kubeconfig = join(lab.sandbox.folder, 'away.kubeconfig');
    const { cluster } = lab.sandbox;
    const away = cluster
      .kubeconfig()
      .replace(cluster.url, `https://127.0.0.1:${await freePort(0)}`);
    await writeFile(kubeconfig, away);
    const { all } = await doctor({ kubeconfig, namespaces: NAMESPACES });
    expect(new Findings(all).row('kubernetes', '').verdict).toBe('failure');
    const others = all.filter(({ check }) => check !== 'kubernetes');
    expect(new Set(others.map(({ verdict }) => verdict))).toEqual(new Set(['unknown']));
    expect(JSON.stringify(all)).not.toContain(cluster.tokens.admin);
  });

  test('whose Pod Security refuses the profiles fails for that namespace', async () => {
    const { cluster } = lab.sandbox;
    cluster.addNamespace('tight', { 'pod-security.kubernetes.io/enforce': 'baseline' });
    cluster.addServiceAccount({
      ...{ namespace: 'hallpass', name: 'hallpass', inNamespace: 'tight' },
      rules: rulesWithout(''),
    });
    const { path } = await lab.config({ namespaces: ['tight'] });
    expect((await doctor({ config: path })).row('pod-security', 'tight')).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('shell (it adds SYS_PTRACE)'),
    });
  });
});

describe('what stands around a broker that is broken', () => {
  test('a role that owns the tables fails, and is not told with its password', async () => {
    const databaseUrl = lab.database.ownerUrl;
    const { path } = await lab.config({ databaseUrl });
    const found = await doctor({ config: path });
    expect(found.row('database', '').verdict).toBe('ok');
    expect(found.row('database-role', '').verdict).toBe('failure');
    const { password } = new URL(databaseUrl);
    if (password !== '') expect(JSON.stringify(found.all)).not.toContain(password);
  });

  test('a database that is away fails, and an issuer that is away', async () => {
    const port = await freePort(0);
    const { path } = await lab.config({
      databaseUrl: `postgresql://hallpass:a-secret@127.0.0.1:${port}/hallpass`,
      identity: { issuer: `http://127.0.0.1:${port}`, audience: 'hallpass' },
    });
    const found = await doctor({ config: path });
    expect(found.row('database', '').verdict).toBe('failure');
    expect(found.row('database-role', '').verdict).toBe('unknown');
    expect(found.row('issuer', '').verdict).toBe('failure');
    expect(JSON.stringify(found.all)).not.toContain('a-secret');
  });

  test('an anchor that cannot be written fails', async () => {
    const { adminKubeconfig } = lab.sandbox;
    const anchors = [{ ...fileAnchor(lab.sandbox.folder), file: join(adminKubeconfig, 'log') }];
    const { path } = await lab.config({ anchors });
    expect((await doctor({ config: path })).row('anchors', 'sandbox')).toMatchObject({
      verdict: 'failure',
      seen: expect.stringContaining('ENOTDIR'),
    });
  });

  test('a token that Slack has revoked fails, and is not told', async () => {
    const slackLab = await SlackLab.open();
    try {
      const file = async (name: string, text: string) => {
        const path = join(lab.sandbox.folder, name);
        await writeFile(path, text, { mode: 0o600 });
        return path;
      };
      const team = await slackLab.api().self();
      const slack = {
        teamId: 'teamId' in team ? team.teamId : 'T000',
        mode: 'http',
        botTokenFile: await file('bot-token', 'xoxb-hallpass-lab'),
        signingSecretFile: await file('signing-secret', 'a-signing-secret-of-the-lab'),
        securityChannel: await slackLab.channel('security'),
        apiUrl: slackLab.url,
      };
      const { path } = await lab.config({ slack });
      // The workspace of the lab does not say which scopes a token has.
      expect((await doctor({ config: path })).row('slack', 'bot').verdict).toBe('unknown');

      slackLab.fail('auth.test', { word: 'token_revoked' });
      slackLab.fail('conversations.info', { word: 'token_revoked' });
      const found = await doctor({ config: path });
      expect(found.row('slack', 'bot')).toMatchObject({
        verdict: 'failure',
        seen: expect.stringContaining('token_revoked'),
      });
      expect(found.row('slack-channel', '').verdict).toBe('failure');
      expect(JSON.stringify(found.all)).not.toContain('xoxb-');
    } finally {
      await slackLab.close();
    }
  });

  test('a configuration with mistakes fails mistake by mistake, and the database is looked at', async () => {
    const { path } = await lab.config();
    const wrong = join(lab.sandbox.folder, 'wrong.yaml');
    await writeFile(
      wrong,
      `database: { url: '${lab.database.serviceUrl}' }\nserver: { portt: 1 }\n`,
    );
    const found = await doctor({ config: wrong });
    expect(path).not.toBe(wrong);
    const mistakes = found.all.filter(({ check }) => check === 'configuration');
    expect(mistakes.length).toBeGreaterThan(1);
    expect(new Set(mistakes.map(({ verdict }) => verdict))).toEqual(new Set(['failure']));
    expect(found.row('database', '').verdict).toBe('ok');
  });
});
