import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Api, Who } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';

const CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const URL = 'https://hallpass.example.com';

let api: Api;
beforeAll(async () => {
  api = await startApi({
    settings: { publicUrl: URL, caPem: CA },
    set: setOf([
      policyOf('staging', { match: { namespaces: ['staging'] } }),
      policyOf('cli', { match: { namespaces: ['cli'] }, terms: { ways: ['cli'] } }),
      policyOf('payments', {
        match: { namespaces: ['payments'] },
        terms: { approvals: approvals(requirement(1, 'payments-leads')) },
      }),
    ]),
  });
});
afterAll(() => api.close());

async function running(namespace = 'staging', ran: { deadlineAt?: Date } = {}) {
  const { body } = await api.ask({ namespace });
  await api.step(body.id, 'start');
  await api.step(body.id, 'run', { startedAt: new Date(), ...ran });
  return { id: body.id as string, pod: body.pod.name as string };
}

const ofSession = (id: string, query = '', who: Who = 'robin') =>
  api.call('readSessionKubeconfig', { who, path: `/v1/sessions/${id}/kubeconfig${query}` });

async function tokenOf(id: string): Promise<string> {
  const { text } = await ofSession(id, '?credential=token');
  return parse(text).users[0].user.token;
}

const asToken = (token: string, path: string, method = 'GET') =>
  api.call('', { path, method, headers: { authorization: `Bearer ${token}` } });

describe('the kubeconfig of a session', () => {
  test('names its address, its namespace, the certificate authority, and the credential plugin', async () => {
    const { id } = await running();
    const { status, headers, text } = await ofSession(id);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/yaml');
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="hallpass-${id}.kubeconfig"`,
    );
    expect(headers.get('cache-control')).toBe('no-store');
    const name = `hallpass-${id}`;
    expect(parse(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            server: `${URL}/kube/${id}`,
            'certificate-authority-data': Buffer.from(CA).toString('base64'),
          },
        },
      ],
      users: [
        {
          name,
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: 'hallpass',
              args: ['kube-credential', '--server', URL],
              interactiveMode: 'IfAvailable',
              provideClusterInfo: false,
              installHint: expect.stringContaining('Install it'),
            },
          },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'staging' } }],
      'current-context': name,
    });
  });

  test('may be had before others have agreed, but no token yet', async () => {
    const { body } = await api.ask({ namespace: 'payments' });
    expect((await ofSession(body.id)).status).toBe(200);
    const early = await ofSession(body.id, '?credential=token');
    expect([early.status, early.body.type]).toEqual([409, 'urn:hallpass:problem:not-running']);
  });

  test('is nobody else’s, and not had for a session that is over', async () => {
    const { id } = await running();
    expect((await ofSession(id, '', 'stranger')).status).toBe(404);
    await api.step(id, 'stop', { endDetail: 'Enough.' });
    const { status, body } = await ofSession(id);
    expect([status, body.type]).toEqual([409, 'urn:hallpass:problem:not-running']);
  });

  test('is not had where terms leave kubectl out', async () => {
    const { id } = await running('cli');
    const { status, body } = await ofSession(id);
    expect([status, body.type]).toEqual([403, 'urn:hallpass:problem:way-not-allowed']);
  });

  test('with another credential than there is, is refused', async () => {
    const { id } = await running();
    expect((await ofSession(id, '?credential=password')).status).toBe(400);
  });
});

describe('a token of a session', () => {
  test('lets in on the session’s own address, as its requester by kubectl', async () => {
    const { id, pod } = await running();
    const token = await tokenOf(id);
    expect(token).toMatch(/^hpk_[\w-]{43}$/);
    const { status, body } = await asToken(
      token,
      `/kube/${id}/api/v1/namespaces/staging/pods/${pod}`,
    );
    expect([status, body.metadata.name]).toEqual([200, pod]);
  });

  test('is kept as its digest alone, and its issuing is an audit event', async () => {
    const { id } = await running();
    const token = await tokenOf(id);
    const kept = JSON.stringify(api.kubectl.tokens.kept);
    expect(kept).not.toContain(token);
    const [event] = await api.store.log.read({
      sessionId: id,
      action: 'session.kube-token',
      limit: 1,
    });
    expect(JSON.stringify(event?.body)).not.toContain(token);
    expect(event?.body).toMatchObject({ outcome: 'success', actor: { sub: 'robin' } });
  });

  test('is good for no other session and for nothing of the API', async () => {
    const [one, other] = [await running(), await running()];
    const token = await tokenOf(one.id);
    for (const path of [
      `/kube/${other.id}/api`,
      '/kube/clusters/sandbox/api',
      `/v1/sessions/${one.id}`,
      `/v1/sessions/${one.id}/kubeconfig?credential=token`,
      '/v1/me',
    ]) {
      expect([path, (await asToken(token, path)).status]).toEqual([path, 401]);
    }
  });

  test('opens nothing once its session is over, and tells kubectl why', async () => {
    const { id, pod } = await running();
    const token = await tokenOf(id);
    const pods = `/kube/${id}/api/v1/namespaces/staging/pods`;
    expect((await asToken(token, pods)).status).toBe(200);
    await api.step(id, 'stop', { endDetail: 'Revoked.' });
    for (const path of ['api', 'apis', 'api/v1', 'version']) {
      // What there is to ask for, which kubectl wants to know before it asks.
      expect((await asToken(token, `/kube/${id}/${path}`)).status).toBe(200);
    }
    for (const [method, path] of [
      ['GET', pods],
      ['GET', `${pods}?watch=true`],
      ...['', '/log', '/exec?command=true', '/portforward', '/attach', '/elsewhere'].map((rest) => [
        'GET',
        `${pods}/${pod}${rest}`,
      ]),
      ...['/exec?command=true', '/portforward', '/attach'].map((rest) => [
        'POST',
        `${pods}/${pod}${rest}`,
      ]),
      ['DELETE', `${pods}/${pod}`],
      ['GET', `/kube/${id}/api/v1/nodes`],
    ] as const) {
      const { status, body } = await asToken(token, path, method);
      expect([path, status, body.reason]).toEqual([path, 409, 'Conflict']);
      expect(body.message).toMatch(/is being ended: Revoked\. Ask|has ended: Revoked\. Ask/);
    }
  });

  test('opens nothing from its deadline on, also where nobody has ended the session yet', async () => {
    const { id } = await running('staging', { deadlineAt: new Date() });
    const pods = `/kube/${id}/api/v1/namespaces/staging/pods`;
    const { status, body } = await asToken(await tokenOf(id), pods);
    expect([status, body.message]).toEqual([409, `Session ${id} has reached its deadline.`]);
  });

  test('that was never given lets nobody in', async () => {
    const { id } = await running();
    expect((await asToken('hpk_0000', `/kube/${id}/api`)).status).toBe(401);
  });
});

describe('the kubeconfig of a cluster', () => {
  test('is for asking by kubectl debug, with the person’s own login', async () => {
    const { status, text } = await api.call('readClusterKubeconfig', {
      who: 'robin',
      path: '/v1/clusters/sandbox/kubeconfig',
    });
    expect(status).toBe(200);
    const config = parse(text);
    expect(config.clusters[0].cluster.server).toBe(`${URL}/kube/clusters/sandbox`);
    expect(config.contexts[0].context).not.toHaveProperty('namespace');
    expect(config.users[0].user).toHaveProperty('exec');
  });

  test('of a cluster that is not there is not found', async () => {
    const { status } = await api.call('readClusterKubeconfig', {
      who: 'robin',
      path: '/v1/clusters/elsewhere/kubeconfig',
    });
    expect(status).toBe(404);
  });
});

test('where Hallpass is not reached by HTTPS there are no kubeconfigs, and the refusal says why', async () => {
  const plain = await startApi();
  try {
    const { body } = await plain.ask();
    for (const path of [`/v1/sessions/${body.id}/kubeconfig`, '/v1/clusters/sandbox/kubeconfig']) {
      const answer = await plain.call('', { who: 'robin', path });
      expect([answer.status, answer.body.type]).toEqual([
        409,
        'urn:hallpass:problem:https-required',
      ]);
      expect(answer.body.detail).toContain('no credentials over plain HTTP');
    }
  } finally {
    await plain.close();
  }
});
