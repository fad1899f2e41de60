import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isObject } from './json.value.js';
import { Lab } from './replay.lab.js';
import { uniqueName } from './stand-in.cluster.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start(['web']);
});
afterAll(() => lab.close());

const asAdmin = (method: string, path: string, body?: unknown) =>
  lab.client.send({
    method,
    path,
    token: lab.token('admin'),
    contentType: 'application/json',
    ...(body === undefined ? {} : { body }),
  });

describe('authorization', () => {
  it('lets a WebSocket exec through only with both get and create', async () => {
    const exec = '/api/v1/namespaces/lab/pods/web/exec?container=app&stdout=true&command=true';
    const verdict = async (verbs: string[]) => {
      const token = lab.cluster.addServiceAccount({
        namespace: 'lab',
        name: uniqueName('exec'),
        rules: [{ apiGroups: [''], resources: ['pods/exec'], verbs }],
      });
      const trial = await lab.client.stream({
        path: exec,
        token,
        protocols: ['v5.channel.k8s.io'],
      });
      const body = trial.response?.body;
      return isObject(body) ? body['message'] : undefined;
    };
    expect(await verdict(['get'])).toBe('pods "web" is forbidden: ');
    expect(await verdict(['create'])).toMatch(/cannot get resource "pods\/exec"/);
    expect(await verdict(['get', 'create'])).toBeUndefined();
  });

  it('a Role reaches its own namespace only', async () => {
    const token = lab.cluster.addServiceAccount({
      namespace: 'lab',
      name: 'narrow',
      inNamespace: 'lab',
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    });
    const list = async (path: string) =>
      (await lab.client.send({ method: 'GET', path, token })).status;
    expect(await list('/api/v1/namespaces/lab/pods')).toBe(200);
    expect(await list('/api/v1/namespaces/default/pods')).toBe(403);
    expect(await list('/api/v1/pods')).toBe(403);
  });

  it('resourceNames bind a right to one name', async () => {
    const token = lab.cluster.addServiceAccount({
      namespace: 'lab',
      name: 'one-name',
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'], resourceNames: ['web'] }],
    });
    const read = async (name: string) =>
      (await lab.client.send({ method: 'GET', path: `/api/v1/namespaces/lab/pods/${name}`, token }))
        .status;
    expect(await read('web')).toBe(200);
    expect(await read('other')).toBe(403);
  });

  it('a token dies with its service account, and with its time', async () => {
    const path = '/api/v1/namespaces/lab/serviceaccounts/short';
    await asAdmin('POST', '/api/v1/namespaces/lab/serviceaccounts', {
      metadata: { name: 'short' },
    });
    const issued = await asAdmin('POST', `${path}/token`, { spec: { expirationSeconds: 600 } });
    const status = isObject(issued.body) ? issued.body['status'] : undefined;
    const token = isObject(status) ? String(status['token']) : '';
    const whoAmI = async () =>
      (await lab.client.send({ method: 'GET', path: '/version', token })).status;
    expect(await whoAmI()).toBe(200);
    await asAdmin('DELETE', path);
    expect(await whoAmI()).toBe(401);
    const tooShort = await asAdmin('POST', '/api/v1/namespaces/lab/serviceaccounts/default/token', {
      spec: { expirationSeconds: 10 },
    });
    expect(tooShort.status).toBe(403);
  });
});

describe('lists and watches', () => {
  it('pages through a list as of one version, also when Pods come meanwhile', async () => {
    const namespace = uniqueName('pages');
    lab.cluster.addNamespace(namespace);
    for (const name of ['a', 'b', 'c']) {
      lab.cluster.addPod({ namespace, name, spec: { nodeSelector: { no: 'where' } } });
    }
    const names: string[] = [];
    let token: string | undefined;
    do {
      const query = `limit=2${token === undefined ? '' : `&continue=${token}`}`;
      const { body } = await asAdmin('GET', `/api/v1/namespaces/${namespace}/pods?${query}`);
      const list = body as {
        metadata: { continue?: string };
        items: { metadata: { name: string } }[];
      };
      names.push(...list.items.map((item) => item.metadata.name));
      token = list.metadata.continue;
      lab.cluster.addPod({
        namespace,
        name: uniqueName('bb'),
        spec: { nodeSelector: { no: 'where' } },
      });
    } while (token !== undefined);
    expect(names).toEqual(['a', 'b', 'c']);
  });

  it('a watch from before a compaction is told 410 inside a 200, and so is a page', async () => {
    const { body } = await asAdmin('GET', '/api/v1/pods?limit=1');
    const { metadata } = body as { metadata: { resourceVersion: string; continue: string } };
    lab.cluster.addPod({ namespace: 'lab', name: uniqueName('later') });
    lab.cluster.compact();
    const watch = await lab.client.watch({
      path: `/api/v1/pods?watch=true&resourceVersion=${metadata.resourceVersion}`,
      token: lab.token('admin'),
    });
    await watch.ended;
    expect(watch.status).toBe(200);
    expect(watch.lines).toMatchObject([
      { line: { type: 'ERROR', object: { code: 410, reason: 'Expired' } } },
    ]);
  });

  it('an object that ceases to match a watch is deleted from its view', async () => {
    const name = uniqueName('phase');
    const watch = await lab.client.watch({
      path: `/api/v1/namespaces/lab/pods?watch=true&fieldSelector=status.phase%3DPending,metadata.name%3D${name}`,
      token: lab.token(),
    });
    lab.cluster.addPod({ namespace: 'lab', name });
    const last = (lines: readonly { line: unknown }[]) => lines.at(-1)?.line;
    await watch.until((lines) => JSON.stringify(last(lines) ?? '').includes('"DELETED"'));
    watch.stop();
    expect(watch.lines[0]?.line).toMatchObject({ type: 'ADDED' });
    expect(lab.cluster.pod('lab', name)?.status.phase).toBe('Running');
  });

  it('initial events end with a bookmark, and what happens later follows', async () => {
    const watch = await lab.client.watch({
      path: '/api/v1/namespaces/lab/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dweb',
      token: lab.token(),
    });
    await watch.until((lines) => lines.length === 2);
    expect(watch.lines).toMatchObject([
      { line: { type: 'ADDED' } },
      { line: { type: 'BOOKMARK' } },
    ]);
    await lab.addEphemeral(lab.busybox(uniqueName('seen'), ['true']));
    await watch.until((lines) => lines.length > 2);
    watch.stop();
  });

  it('a malformed version is 500 to a watch, and a version of the future just waits', async () => {
    const malformed = await asAdmin('GET', '/api/v1/pods?watch=true&resourceVersion=abc');
    expect(malformed.status).toBe(500);
    const future = await lab.client.watch({
      path: '/api/v1/pods?watch=true&resourceVersion=99999999&timeoutSeconds=1',
      token: lab.token('admin'),
    });
    await future.ended;
    expect(future.lines).toEqual([]);
  });

  it('selects by label in every form of requirement', async () => {
    const namespace = uniqueName('labels');
    lab.cluster.addNamespace(namespace);
    const spec = { nodeSelector: { no: 'where' } };
    lab.cluster.addPod({ namespace, name: 'a', labels: { app: 'x', tier: 'web' }, spec });
    lab.cluster.addPod({ namespace, name: 'b', labels: { app: 'y' }, spec });
    const select = async (selector: string) => {
      const query = encodeURIComponent(selector);
      const { body } = await asAdmin(
        'GET',
        `/api/v1/namespaces/${namespace}/pods?labelSelector=${query}`,
      );
      const { items } = body as { items: { metadata: { name: string } }[] };
      return items.map((item) => item.metadata.name).join();
    };
    expect(await select('app=x')).toBe('a');
    expect(await select('app!=x')).toBe('b');
    expect(await select('app in (x, y),tier')).toBe('a');
    expect(await select('!tier')).toBe('b');
    expect(await select('app notin (x)')).toBe('b');
  });
});

describe('what is not played', () => {
  it.each([
    ['GET', '/api/v1/configmaps'],
    ['GET', '/apis/networking.k8s.io/v1/ingresses'],
    ['GET', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'],
    ['PUT', '/api/v1/namespaces/lab/pods/web'],
    ['DELETE', '/api/v1/namespaces/lab/pods'],
    ['GET', '/openapi/v3'],
    ['POST', '/api/v1/namespaces/lab/pods/web/portforward'],
    ['GET', '/api/v1/namespaces/lab/pods/web/log?stream=Stdout'],
  ])('%s %s is answered 501 and says what', async (method, path) => {
    const answer = await asAdmin(method, path);
    expect(answer.status).toBe(501);
    expect(answer.body).toMatchObject({
      kind: 'Status',
      message: expect.stringMatching(/^the stand-in cluster does not support /),
    });
  });

  it('what no server has is 404', async () => {
    for (const path of [
      '/nowhere',
      '/apis/example.com/v1/widgets',
      '/api/v1/namespaces/lab/widgets',
    ]) {
      expect((await asAdmin('GET', path)).status).toBe(404);
    }
  });
});

describe('namespaces', () => {
  it('take everything in them along when they are deleted, and nothing new meanwhile', async () => {
    const namespace = uniqueName('ends');
    await asAdmin('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    lab.cluster.addDeployment({ namespace, name: 'shop', replicas: 2 });
    const pods = () => lab.cluster.pods(namespace).filter((p) => p.status.phase === 'Running');
    await lab.cluster.untilPod(namespace, 'shop', () => pods().length === 2);
    expect((await asAdmin('DELETE', `/api/v1/namespaces/${namespace}`)).status).toBe(200);
    const refused = await asAdmin('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name: 'late' },
      spec: { containers: [{ name: 'app', image: 'docker.io/library/app:1' }] },
    });
    expect(refused.status).toBe(403);
    await lab.cluster.untilPod(namespace, 'shop', () => lab.cluster.pods(namespace).length === 0);
    const gone = async () => (await asAdmin('GET', `/api/v1/namespaces/${namespace}`)).status;
    await expect.poll(gone).toBe(404);
  });
});
