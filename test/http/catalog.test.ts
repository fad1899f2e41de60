import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditPage } from '../../src/contract/audit.schema.js';
import { ClusterList } from '../../src/contract/cluster.schema.js';
import { Me } from '../../src/contract/me.schema.js';
import { PoliciesInForce } from '../../src/contract/policies-in-force.schema.js';
import { policySet } from '../../src/domain/policy/policy-set.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

test('people can see who they are and what they may', async () => {
  const { status, body } = await api.call('readMe', { who: 'robin', path: '/v1/me' });
  expect(status).toBe(200);
  expect(Me.parse(body)).toMatchObject({
    person: { iss: 'https://id.example', sub: 'robin', groups: ['oncall'] },
    roles: ['requester'],
    permissions: [
      'session:request',
      'session:read',
      'session:use',
      'review:read',
      'recording:read',
      'cluster:read',
      'policy:simulate',
    ],
  });
});

test('somebody without a role can see that they have none', async () => {
  const { body } = await api.call('readMe', { who: 'nobody', path: '/v1/me' });
  expect(body).toMatchObject({ roles: [], permissions: [] });
});

test('the clusters are listed with the namespaces that may be touched, and with how they are', async () => {
  const { body } = await api.call('listClusters', { who: 'robin', path: '/v1/clusters' });
  expect(ClusterList.parse(body).items).toMatchObject([
    { name: 'sandbox', namespaces: ['*'], health: { state: 'unknown', why: null } },
  ]);
  api.clusterStates.away('sandbox', new Date('2026-11-28T10:00:00Z'));
  const seen = await api.call('listClusters', { who: 'robin', path: '/v1/clusters' });
  api.clusterStates.states = [];
  expect(ClusterList.parse(seen.body).items[0]?.health).toEqual({
    state: 'unreachable',
    since: '2026-11-28T10:00:00.000Z',
    lastAnswerAt: null,
    why: 'It does not answer in time.',
    advice: expect.stringContaining('firewalls'),
    version: null,
    credentialsRefusedSince: null,
  });
});

test('an auditor reads the policies in force, under the hash that decisions carry', async () => {
  const { body } = await api.call('listPolicies', { who: 'auditor', path: '/v1/policies' });
  const { hash, policies, profiles } = PoliciesInForce.parse(body);
  expect(policies.map(({ name }) => name)).toEqual(['payments', 'staging', 'vault']);
  expect(profiles.map(({ name }) => name)).toEqual(['shell']);
  expect((await api.ask()).body.policy.version).toBe(hash);
});

test('an auditor reads which on-call sources are asked, and nothing of what they are asked with', async () => {
  const withSource = await startApi({
    set: policySet({
      files: [],
      policies: [],
      profiles: [],
      onCallSources: [
        {
          name: 'rota',
          description: 'Who carries the pager.',
          url: 'https://robin:hush@rota.example.com:8443/v1/hush?token=hush',
          shape: { kind: 'generic', pointer: '/people', field: null },
          match: 'email',
          secret: 'hush',
          timeoutSeconds: 5,
          maxAgeSeconds: 60,
          staleForSeconds: 300,
        },
      ],
    }),
  });
  const { body, text } = await withSource.call('listPolicies', {
    who: 'auditor',
    path: '/v1/policies',
  });
  await withSource.close();
  expect(PoliciesInForce.parse(body).onCallSources).toEqual([
    {
      name: 'rota',
      description: 'Who carries the pager.',
      shape: 'generic',
      host: 'rota.example.com:8443',
      match: 'email',
      maxAgeSeconds: 60,
      staleForSeconds: 300,
    },
  ]);
  expect(text).not.toContain('hush');
});

test('an auditor reads the audit log, newest first, and the reading is in it', async () => {
  const { body: session } = await api.ask();
  const { status, body } = await api.call('listAuditEvents', {
    who: 'auditor',
    path: '/v1/audit/events',
  });
  expect(status).toBe(200);
  const { items } = AuditPage.parse(body);
  expect(items[0]).toMatchObject({ action: 'audit.read', body: { actor: { sub: 'audit' } } });
  expect(items[1]).toMatchObject({
    action: 'session.grant',
    session: session.id,
    body: { actor: { sub: 'robin' }, outcome: 'success' },
  });
  expect(items[1]?.leafHash).toMatch(/^[0-9a-f]{64}$/);
});

test('the audit log is read page by page, by session and by action, while it grows', async () => {
  const { body: session } = await api.ask();
  for (const verb of ['start', 'end']) {
    await api.call(`${verb}Session`, {
      who: 'robin',
      method: 'POST',
      path: `/v1/sessions/${session.id}/${verb}`,
    });
  }
  const actions: string[] = [];
  for (let path: string | undefined = `/v1/audit/events?session=${session.id}&limit=1`; path;) {
    const { body, headers } = await api.call('listAuditEvents', { who: 'auditor', path });
    actions.push(...body.items.map((item: { action: string }) => item.action));
    path = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1];
  }
  expect(actions).toEqual(['session.withdraw', 'session.start', 'session.grant']);
  const { body } = await api.call('listAuditEvents', {
    who: 'auditor',
    path: '/v1/audit/events?action=session.start',
  });
  expect(body.items.map((item: { session: string }) => item.session)).toEqual([session.id]);
});
