import { describe, expect, test } from 'vitest';
import {
  judgeApi,
  judgeClock,
  judgeHeard,
  judgeImage,
  judgeLockDown,
  judgeVersion,
  KIT_POLICIES,
} from './cluster.verdicts.js';
import { Unseen, worstOf } from './finding.js';
import { judgePodSecurity } from './pod-security.js';
import { judgeBeyond, judgeNeeded, NEEDED, RIGHTS_BEYOND } from './rights.verdict.js';
import {
  judgeAnchor,
  judgeCertificate,
  judgeCollector,
  judgeDatabase,
  judgeIssuer,
  judgeKeyFile,
  judgeRole,
  judgeSlack,
  judgeSlackChannel,
  judgeTriggers,
  SLACK_SCOPES,
} from './service.verdicts.js';
import { SECURITY_CONTEXTS } from '../policy/debug-profiles.js';

const unseen = new Unseen('nobody answers', 'look again');
const NOW = new Date('2026-11-28T12:00:00Z');
const none = new Set<never>();

test('what is unknown is worse than ok and better than a warning', () => {
  expect(worstOf([])).toBe('ok');
  expect(worstOf([{ verdict: 'ok' }, { verdict: 'unknown' }])).toBe('unknown');
  expect(worstOf([{ verdict: 'unknown' }, { verdict: 'warning' }])).toBe('warning');
  expect(worstOf([{ verdict: 'failure' }, { verdict: 'ok' }])).toBe('failure');
});

test('a collector of traces that cannot be reached is warned of, since nothing waits for it', () => {
  expect(judgeCollector('reached').verdict).toBe('ok');
  expect(judgeCollector(unseen)).toEqual({
    verdict: 'warning',
    seen: 'nobody answers',
    advice: 'look again',
  });
});

describe('rights', () => {
  const having = (lacks: string, allowed: boolean | Unseen = false) =>
    NEEDED.map((right) => ({
      right,
      allowed: `${right.verb} ${right.subresource}` === lacks ? allowed : true,
    }));

  test('a right that is missing fails, with the line of YAML that gives it', () => {
    expect(judgeNeeded(having('create exec'), none)).toEqual({
      verdict: 'failure',
      seen: 'it may not create pods/exec',
      advice: expect.stringContaining(
        "{ apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] }",
      ),
    });
  });

  test('a right that only some policies call for is missed only where there are such', () => {
    expect(judgeNeeded(having('create eviction'), none).verdict).toBe('ok');
    expect(judgeNeeded(having('create eviction'), new Set(['evict'] as const))).toMatchObject({
      verdict: 'failure',
      advice: expect.stringContaining('rbac-evict.yaml'),
    });
  });

  test('a right that cannot be asked about is unknown', () => {
    expect(judgeNeeded(having('get exec', unseen), none).verdict).toBe('unknown');
  });

  test('a right beyond what is needed is warned of', () => {
    const answers = RIGHTS_BEYOND.map((right) => ({
      right,
      allowed: right.resource === 'secrets' && right.verb === 'get',
    }));
    expect(judgeBeyond(answers)).toMatchObject({
      verdict: 'warning',
      seen: 'it may get secrets',
    });
    expect(judgeBeyond(answers.map((it) => ({ ...it, allowed: true }))).seen).toBe(
      'it may do anything',
    );
    expect(judgeBeyond(answers.map((it) => ({ ...it, allowed: unseen }))).verdict).toBe('unknown');
  });
});

describe('the API server', () => {
  const version = (minor: string) => ({ major: '1', minor, gitVersion: `v1.${minor}` });

  test.each([
    ['24', 'failure'],
    ['25', 'ok'],
    ['27+', 'ok'],
    ['', 'unknown'],
  ])('of version 1.%s is %s', (minor, verdict) => {
    expect(judgeVersion(version(minor)).verdict).toBe(verdict);
  });

  test('without ephemeral containers it fails; without policies of admission it is warned of', () => {
    const subresources = new Map([
      ['ephemeralcontainers', ['get', 'patch']],
      ['exec', ['get', 'create']],
    ]);
    const found = { version: version('36'), subresources, admissionPolicies: true };
    expect(judgeApi(found).verdict).toBe('ok');
    expect(judgeApi({ ...found, subresources: new Map() }).verdict).toBe('failure');
    expect(judgeApi({ ...found, admissionPolicies: false }).verdict).toBe('warning');
    expect(judgeApi({ ...found, version: version('28') }).verdict).toBe('warning');
    expect(judgeApi({ ...found, admissionPolicies: unseen }).verdict).toBe('unknown');
  });

  test('policies of the lock-down kit must all be there, be bound, and deny', () => {
    const kit = (...actions: string[][]) =>
      KIT_POLICIES.map((kind) => ({ name: `hallpass-${kind}`, labels: {}, actions }));
    expect(judgeLockDown([]).verdict).toBe('warning');
    expect(judgeLockDown(kit()).verdict).toBe('failure');
    expect(judgeLockDown(kit(['Warn', 'Audit'])).verdict).toBe('warning');
    expect(judgeLockDown(kit(['Deny'])).verdict).toBe('ok');
    expect(judgeLockDown(kit(['Deny']).slice(1))).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('no policy for adding'),
    });
    expect(judgeLockDown(unseen).verdict).toBe('unknown');
  });

  test('policies of the kit are known by the names that the chart gives them, and others are not', () => {
    const labels = { 'app.kubernetes.io/component': 'lockdown' };
    const kit = (release: string, given: Record<string, string> = labels) =>
      KIT_POLICIES.map((kind) => ({
        ...{ name: `${release}-${kind}`, labels: given, actions: [['Deny']] },
      }));
    expect(judgeLockDown(kit('broker')).verdict).toBe('ok');
    expect(judgeLockDown(kit('team-hallpass', {})).verdict).toBe('ok');
    expect(judgeLockDown(kit('broker', {})).seen).toContain('there is no policy');
  });
});

describe('clocks', () => {
  const reading = (aheadMs: number, grainMs = 0) =>
    judgeClock({
      thereMs: 1_000_000 + aheadMs,
      askedMs: 1_000_000,
      answeredMs: 1_000_100,
      grainMs,
    });

  test.each([
    [0, 'ok'],
    [2_100, 'ok'],
    [2_101, 'warning'],
    [-2_001, 'warning'],
    [60_101, 'failure'],
    [-60_001, 'failure'],
  ])('%d ms ahead is %s', (aheadMs, verdict) => {
    expect(reading(aheadMs).verdict).toBe(verdict);
  });

  test('what is told in whole seconds is given the rest of its second', () => {
    expect(reading(-2_900, 1_000).verdict).toBe('ok');
    expect(reading(-3_100, 1_000).verdict).toBe('warning');
  });
});

describe('Pod Security', () => {
  const profile = (name: keyof typeof SECURITY_CONTEXTS) => ({
    name,
    securityContext: SECURITY_CONTEXTS[name],
  });
  const enforcing = (level: string) => ({ 'pod-security.kubernetes.io/enforce': level });

  // kubernetes-mechanics: which levels each of kubectl's profiles can pass.
  test.each([
    ['general', 'privileged'],
    ['baseline', 'baseline'],
    ['restricted', 'restricted'],
    ['netadmin', 'privileged'],
    ['sysadmin', 'privileged'],
  ] as const)('the profile %s passes %s at the strictest', (name, strictest) => {
    const passes = ['privileged', 'baseline', 'restricted'].filter(
      (level) => judgePodSecurity(enforcing(level), [profile(name)]).verdict === 'ok',
    );
    expect(passes.at(-1)).toBe(strictest);
  });

  test('where one of several is refused it is warned of, where all are it fails', () => {
    const labels = enforcing('restricted');
    expect(judgePodSecurity(labels, [profile('general'), profile('restricted')])).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('general'),
    });
    expect(judgePodSecurity(labels, [profile('general')]).verdict).toBe('failure');
  });

  test('a level that is none counts as the strictest', () => {
    expect(judgePodSecurity(enforcing('tight'), [profile('sysadmin')]).verdict).toBe('failure');
  });
});

test('an image is warned of that is named by a tag, and fails where it was not had', () => {
  const image = `registry.example.com/debug@sha256:${'a'.repeat(64)}`;
  expect(judgeImage({ image }, 0).verdict).toBe('ok');
  expect(judgeImage({ image: 'busybox:1' }, 0)).toMatchObject({
    verdict: 'warning',
    seen: expect.stringContaining('docker.io'),
  });
  expect(judgeImage({ image }, 3).verdict).toBe('failure');
  expect(judgeImage({ image }, unseen).verdict).toBe('unknown');
});

test('an audit log of a cluster that was silent for a day fails', () => {
  expect(judgeHeard(null, NOW).verdict).toBe('warning');
  expect(judgeHeard(new Date(NOW.getTime() - 3_600_000), NOW).verdict).toBe('ok');
  expect(judgeHeard(new Date(NOW.getTime() - 90_000_000), NOW).verdict).toBe('failure');
});

test('a database that is too old, or of a schema that cannot be worked with, fails', () => {
  const schema = { seen: 'the schema is newer, which can be worked with', advice: null };
  const found = { versionNumber: 180_004, version: '18.4', schema, bar: null };
  expect(judgeDatabase(found)).toMatchObject({
    verdict: 'ok',
    seen: expect.stringContaining('newer'),
  });
  const bar = { seen: 'it takes no writes', advice: 'wait until it is promoted' };
  expect(judgeDatabase({ ...found, bar })).toEqual({ verdict: 'failure', ...bar });
  expect(judgeDatabase({ ...found, versionNumber: 140_010 }).verdict).toBe('failure');
  const older = { seen: 'the schema is older', advice: 'migrate' };
  expect(judgeDatabase({ ...found, schema: older })).toEqual({ verdict: 'failure', ...older });
  expect(judgeDatabase(unseen).verdict).toBe('failure');
});

test('a role with a right too many or too few fails', () => {
  const found = { role: 'hallpass', tooMuch: [], tooLittle: [] };
  expect(judgeRole(found).verdict).toBe('ok');
  expect(judgeRole({ ...found, tooMuch: ['is a superuser'] }).verdict).toBe('failure');
  expect(judgeRole({ ...found, tooLittle: ['read sessions'] }).verdict).toBe('failure');
  expect(judgeRole(unseen).verdict).toBe('unknown');
});

test('a trigger that refuses changes must be there, and on whatever a session says', () => {
  const found = ['append_only_rows', 'append_only_table'].map((name) => ({
    ...{ name, table: 'audit_events', enabled: 'A' },
  }));
  expect(judgeTriggers(found).verdict).toBe('ok');
  expect(judgeTriggers(found.slice(1)).verdict).toBe('failure');
  expect(judgeTriggers(found.map((it) => ({ ...it, enabled: 'O' }))).verdict).toBe('failure');
  const other = { name: 'audit_review_is_fixed', table: 'audit_review_sessions', enabled: 'O' };
  expect(judgeTriggers([...found, other]).verdict).toBe('ok');
  expect(judgeTriggers([...found, { ...other, enabled: 'D' }]).verdict).toBe('failure');
});

test('a key that everybody on the machine may read is warned of', () => {
  const found = { path: '/key', mode: 0o400, trouble: null };
  expect(judgeKeyFile(found).verdict).toBe('ok');
  expect(judgeKeyFile({ ...found, mode: 0o644 }).verdict).toBe('warning');
  expect(judgeKeyFile({ ...found, trouble: 'cannot be read (EACCES)' }).verdict).toBe('failure');
});

test('a certificate that has expired, or is not valid yet, fails, and warns two weeks before', () => {
  const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000);
  const judged = (from: number, to: number) =>
    judgeCertificate({ validFrom: inDays(from), validTo: inDays(to) }, NOW).verdict;
  expect(judged(-1, 15)).toBe('ok');
  expect(judged(-1, 13)).toBe('warning');
  expect(judged(-90, 0)).toBe('failure');
  expect(judged(1, 90)).toBe('failure');
});

test('an anchor that has parted from the database, or cannot be had, fails', () => {
  const found = { file: null, away: null, compared: 'agrees' } as const;
  expect(judgeAnchor(found).verdict).toBe('ok');
  expect(judgeAnchor({ ...found, away: unseen }).verdict).toBe('failure');
  expect(judgeAnchor({ ...found, compared: unseen }).verdict).toBe('unknown');
  expect(judgeAnchor({ ...found, compared: { parted: 'it has parted' } }).verdict).toBe('failure');
  const file = { path: '/log', mode: 0o666, trouble: null };
  expect(judgeAnchor({ ...found, file }).verdict).toBe('warning');
});

test('a token of Slack must be of the workspace, with every scope', () => {
  const wanted = { teamId: 'T1', scopes: SLACK_SCOPES };
  expect(judgeSlack({ teamId: 'T1', scopes: [...SLACK_SCOPES] }, wanted).verdict).toBe('ok');
  expect(judgeSlack({ teamId: 'T2', scopes: [...SLACK_SCOPES] }, wanted).verdict).toBe('failure');
  expect(judgeSlack({ teamId: 'T1', scopes: ['commands'] }, wanted)).toMatchObject({
    verdict: 'failure',
    seen: expect.stringContaining('chat:write'),
  });
  expect(judgeSlack({ teamId: 'T1', scopes: null }, wanted).verdict).toBe('unknown');
  expect(judgeSlack({ refused: 'token_revoked' }, wanted).verdict).toBe('failure');
});

test('a channel that the token may not look at is unknown, one that is not shown fails', () => {
  expect(judgeSlackChannel({ isMember: true }).verdict).toBe('ok');
  expect(judgeSlackChannel({ isMember: false }).verdict).toBe('failure');
  expect(judgeSlackChannel({ refused: 'missing_scope' }).verdict).toBe('unknown');
  expect(judgeSlackChannel({ refused: 'channel_not_found' }).verdict).toBe('failure');
});

test('an issuer must have a key for one of the algorithms that are taken', () => {
  const wanted = { audience: 'hallpass', algorithms: ['RS256'] };
  const found = { keyTypes: ['RSA'], keyAlgorithms: [], signs: null };
  expect(judgeIssuer(found, wanted).verdict).toBe('ok');
  expect(judgeIssuer({ ...found, keyTypes: ['EC'] }, wanted).verdict).toBe('failure');
  expect(judgeIssuer({ ...found, keyAlgorithms: ['PS256'] }, wanted).verdict).toBe('failure');
  expect(judgeIssuer({ ...found, keyTypes: [] }, wanted).verdict).toBe('failure');
  expect(judgeIssuer(unseen, wanted).verdict).toBe('failure');
});
