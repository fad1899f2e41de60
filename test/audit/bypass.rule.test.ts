import { describe, expect, test } from 'vitest';
import { callOf } from '../../src/app/detect-bypass.js';
import { ApiAuditEvent } from '../../src/contract/api-audit.schema.js';
import { callKey, judge, sessionNamed } from '../../src/domain/bypass/bypass.rule.js';
import { containerCall } from '../../src/domain/bypass/container.call.js';
import { containerName } from '../../src/domain/session/debug-container.js';
import { impersonatedName } from '../../src/domain/impersonation.js';
import { ACCOUNT, auditEntryOf, kubectlEntries, recordedEntry } from '../support/audit.entries.js';
import { newSession } from '../support/sessions.js';

const call = (entry: unknown) => callOf(ApiAuditEvent.parse(entry));
const did = (entry: unknown) => containerCall(call(entry));

describe('of what a real Kubernetes 1.36 was sent', () => {
  test.each([
    ['patch/created.json', 'added', /^dbg-/],
    ['patch/same-again.json', 'added', /^dbg-/],
    ['patch/pod-completed.json', 'added', /./],
    ['patch/pod-pending.json', 'added', /./],
    ['stream/exec-tty.json', 'exec', /./],
    ['stream/exec-v4.json', 'exec', /./],
    ['stream/exec-no-tty.json', 'exec', /./],
    ['stream/attach-tty.json', 'attach', /./],
    ['admission/vap-exec-broker-allowed.json', 'exec', /^dbg-/],
  ])('%s counts as %s, with the container named', (file, kind, name) => {
    expect(did(recordedEntry(file))).toMatchObject({
      kind,
      containers: [expect.stringMatching(name)],
    });
  });

  test.each([
    'patch/anonymous.json',
    'patch/dry-run.json',
    'patch/rbac-denied.json',
    'patch/remove.json',
    'patch/stale-resource-version.json',
    'patch/wrong-uid.json',
    'stream/exec-rbac-denied.json',
    'stream/exec-container-missing.json',
    'stream/attach-waiting.json',
    'admission/vap-ephemeral-denied.json',
    'admission/vap-exec-denied.json',
    'admission/vap-attach-denied.json',
    'get/pod.json',
    'get/logs-app.json',
  ])('%s came to nothing', (file) => {
    expect(did(recordedEntry(file))).toBeUndefined();
  });

  test.each([
    ['debug-ephemeral.json', ['added']],
    ['exec.json', ['exec']],
    ['exec-tty.json', ['exec']],
    // Refused as a WebSocket, then with SPDY.
    ['attach.json', []],
    ['logs.json', []],
    ['port-forward.json', []],
    ['get-pods.json', []],
  ])('of what kubectl sends for %s, %j counts', (file, kinds) => {
    for (const version of ['1.32', '1.36']) {
      const found = kubectlEntries(`kubectl/${version}/${file}`).flatMap((it) => did(it) ?? []);
      expect(found.map(({ kind }) => kind)).toEqual(kinds);
    }
  });
});

describe('the containers that were added', () => {
  const path = '/api/v1/namespaces/lab/pods/web/ephemeralcontainers';
  test.each([
    ['a merge patch', { spec: { ephemeralContainers: [{ name: 'x' }, { name: 'y' }] } }],
    ['a JSON patch of a list', [{ path: '/spec/e', value: [{ name: 'x' }, { name: 'y' }] }]],
    [
      'a JSON patch of each',
      [
        { op: 'add', path: '/spec/ephemeralContainers/-', value: { name: 'x' } },
        { op: 'add', path: '/spec/ephemeralContainers/-', value: { name: 'y' } },
      ],
    ],
    [
      'a JSON patch of the whole',
      [{ path: '', value: { spec: { ephemeralContainers: [{ name: 'x' }, { name: 'y' }] } } }],
    ],
  ])('are found in %s', (_, body) => {
    const entry = auditEntryOf({ method: 'PATCH', path, status: 200, body });
    expect(did(entry)?.containers).toEqual(['x', 'y']);
  });

  test.each([undefined, null, 'text', 7, [null], [[]], { spec: null }, { spec: { e: 1 } }])(
    'are not known of %j, and the call counts all the same',
    (body) => {
      const entry = auditEntryOf({ method: 'PATCH', path, status: 200, body });
      expect(did(entry)).toMatchObject({ kind: 'added', containers: [] });
    },
  );

  test.each([
    '??dryRun=All',
    '?x;dryRun=All',
    '?dryRun=all',
    '?dryRun=',
    '?DryRun=All',
    '?%3FdryRun=All',
  ])('count where the API server takes no dry run from %s', (query) => {
    const entry = auditEntryOf({ method: 'PATCH', path: `${path}${query}`, status: 200 });
    expect(did(entry)).toMatchObject({ kind: 'added' });
  });

  test('count where the entry says nothing of the answer', () => {
    const entry = auditEntryOf({ method: 'PATCH', path, status: 200 }, { responseStatus: null });
    expect(did(entry)).toMatchObject({ kind: 'added' });
  });
});

test.each([
  ['?container=%zz&container=hallpass-x', ['%zz', 'hallpass-x']],
  ['?container=&container=hallpass-x', ['hallpass-x']],
  ['?con%74ainer=hallpass%2Dx', ['hallpass-x']],
  ['?command=sh', []],
])('entering by %s is looked at by each container that it names', (query, containers) => {
  const path = `/api/v1/namespaces/lab/pods/web/exec${query}`;
  const entry = auditEntryOf({ method: 'POST', path, status: 101 });
  expect(did(entry)?.containers).toEqual(containers);
});

describe('a call is a session’s', () => {
  const started = new Date('2026-11-28T10:00:00.000Z');
  const session = newSession({ state: 'active', startingAt: started });
  const name = containerName(session);
  const facts = { cluster: 'sandbox', account: ACCOUNT, impersonates: null, sessions: [session] };
  const verdict = (over: object = {}, containers = [name], about: object = {}) => {
    const { namespace, podName } = {
      namespace: session.request.namespace,
      podName: session.pin?.podName,
    };
    const path = `/api/v1/namespaces/${namespace}/pods/${podName}/exec?container=${name}`;
    const entry = auditEntryOf(
      { method: 'GET', path, status: 101 },
      {
        user: { username: ACCOUNT },
        requestReceivedTimestamp: '2026-11-28T10:00:01.000000Z',
        ...over,
      },
    );
    return judge(call(entry), { containers }, { ...facts, ...about });
  };

  test('where the broker’s account made it in its container while it was', () => {
    expect(verdict()).toEqual({ kind: 'session', session });
    expect(verdict({}, [`${name}-2`])).toMatchObject({ kind: 'session' });
  });

  test.each([
    ['another account made it', { user: { username: 'mallory' } }, 'another-account'],
    [
      'somebody acts as the broker',
      { user: { username: 'mallory' }, impersonatedUser: { username: ACCOUNT } },
      'another-account',
    ],
    [
      'the broker’s account acts as somebody',
      { impersonatedUser: { username: 'robin' } },
      'another-account',
    ],
    [
      'it came before the session',
      { requestReceivedTimestamp: '2026-11-28T09:58:59.000000Z' },
      'no-session',
    ],
    [
      'it was on another Pod',
      { objectRef: { resource: 'pods', name: 'other', namespace: 'staging' } },
      'no-session',
    ],
    [
      'it was in another namespace',
      { objectRef: { resource: 'pods', name: session.pin?.podName, namespace: 'kube-system' } },
      'no-session',
    ],
  ])('but not where %s', (_, over, why) => {
    expect(verdict(over)).toMatchObject({ kind: 'bypass', why, session: { id: session.id } });
  });

  test('where it acts in the name of the session’s requester, and is told to', () => {
    const impersonates = { userPrefix: 'hallpass:', group: 'hallpass:sessions' };
    const name = impersonatedName(impersonates, session.requester);
    const as = (username: string, groups = [impersonates.group]) =>
      verdict({ impersonatedUser: { username, groups } }, undefined, { impersonates });
    expect(as(name)).toEqual({ kind: 'session', session });
    expect(as('hallpass:somebody@example.com')).toMatchObject({ why: 'another-account' });
    expect(as(name, ['admins'])).toMatchObject({ why: 'another-account' });
    expect(verdict({}, undefined, { impersonates })).toMatchObject({ kind: 'session' });
  });

  test('but not where it names a container of nobody’s besides, none at all, or is in another cluster', () => {
    expect(verdict({}, [name, 'debugger-x'])).toMatchObject({ why: 'no-session' });
    expect(verdict({}, [])).toMatchObject({ why: 'no-session' });
    expect(verdict({}, [name], { cluster: 'other' })).toMatchObject({ why: 'no-session' });
    expect(verdict({}, [name], { sessions: [] })).toMatchObject({ session: null });
  });

  test('but not once the session is long over', () => {
    const over = { ...session, endedAt: new Date(started.getTime() - 70_000) };
    expect(verdict({}, [name], { sessions: [over] })).toMatchObject({ why: 'no-session' });
  });

  test.each([name, `${name}-2`])('by the name %s', (it) => {
    expect(sessionNamed(it)).toBe(session.id);
  });

  test.each([
    'hallpass-',
    `x${name}`,
    `${name}x`,
    `${name}-0`,
    `${name}-`,
    'hallpass-UUUUUUUUUUUUUUUU',
  ])('but not by the name %s', (it) => {
    expect(sessionNamed(it)).toBeUndefined();
  });
});

test('one call is one in every stage, and two are two though they share an audit id', () => {
  const entry = recordedEntry('stream/exec-tty.json');
  const key = (over: object) => callKey('sandbox', call({ ...entry, ...over }));
  expect(key({ stage: 'ResponseComplete' })).toBe(key({}));
  expect(key({ user: { username: 'other' } })).not.toBe(key({}));
  expect(key({ requestReceivedTimestamp: '2026-11-28T09:00:00.000001Z' })).not.toBe(key({}));
});
