import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from './replay.lab.js';
import { uniqueName } from './stand-in.cluster.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start(['web']);
});
afterAll(() => lab.close());

interface Patch {
  body: unknown;
  type?: string;
  query?: string;
  pod?: string;
}

function patch({ body, type = 'strategic-merge', query = '', pod = 'web' }: Patch) {
  return lab.client.send({
    method: 'PATCH',
    path: `/api/v1/namespaces/lab/pods/${pod}/ephemeralcontainers${query}`,
    contentType: `application/${type}-patch+json`,
    token: lab.token(),
    body,
  });
}

const sleeping = (name: string) => lab.busybox(name, ['sleep', '600']);
const adding = (...containers: unknown[]) => ({ spec: { ephemeralContainers: containers } });

describe('PATCH of ephemeral containers, where nothing was recorded but the rule is known', () => {
  it('drops labels, annotations and every other field of the Pod without a word', async () => {
    const name = uniqueName('meta');
    const answer = await patch({
      body: {
        metadata: { labels: { stolen: 'yes' }, annotations: { note: 'yes' } },
        spec: { nodeName: 'elsewhere', ephemeralContainers: [sleeping(name)] },
      },
    });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).not.toMatch(/stolen|elsewhere|"note"/);
  });

  it('refuses to share processes with another ephemeral container', async () => {
    const first = uniqueName('first');
    await patch({ body: adding(sleeping(first)) });
    const second = { ...sleeping(uniqueName('second')), targetContainerName: first };
    expect(await patch({ body: adding(second) })).toMatchObject({
      status: 422,
      body: { details: { causes: [{ reason: 'FieldValueNotFound' }] } },
    });
  });

  it('refuses removal by merge patch and by $patch: delete', async () => {
    const name = uniqueName('stays');
    const pod = uniqueName('own');
    lab.cluster.addPod({ namespace: 'lab', name: pod });
    await patch({ pod, body: adding(sleeping(name)) });
    const refusal = {
      status: 422,
      body: { details: { causes: [{ field: 'spec.ephemeralContainers' }] } },
    };
    const removals = [
      { body: adding(), type: 'merge' },
      { body: adding({ name, $patch: 'delete' }) },
    ];
    for (const removal of removals) expect(await patch({ ...removal, pod })).toMatchObject(refusal);
  });

  it('takes a JSON patch that appends', async () => {
    const name = uniqueName('json');
    await patch({ body: adding(sleeping(uniqueName('before'))) });
    const value = sleeping(name);
    const body = [{ op: 'add', path: '/spec/ephemeralContainers/-', value }];
    expect((await patch({ body, type: 'json' })).status).toBe(200);
  });

  it('refuses mirror Pods, which a kubelet owns and not the API', async () => {
    const pod = uniqueName('mirror');
    const annotations = { 'kubernetes.io/config.mirror': 'hash' };
    lab.cluster.addPod({ namespace: 'lab', name: pod, annotations });
    expect(await patch({ pod, body: adding(sleeping('dbg')) })).toMatchObject({
      status: 422,
      body: {
        message: `Pod "${pod}" is invalid: []: Forbidden: static pods do not support ephemeral containers`,
      },
    });
  });

  it('warns of a field nobody knows, and takes the rest', async () => {
    const body = adding({ ...sleeping(uniqueName('odd')), nonsense: 1 });
    const answer = await patch({ body });
    expect(answer.status).toBe(200);
    expect(answer.headers['warning']).toMatch(
      /^299 - "unknown field \\"spec\.ephemeralContainers\[0\]\.nonsense\\""$/,
    );
  });

  it('refuses a body of more than 3 MiB with 413, and a Pod too large to store with 500', async () => {
    const big = (bytes: number) =>
      adding({ ...sleeping(uniqueName('big')), args: ['x'.repeat(bytes)] });
    expect(await patch({ body: big(3_200_000) })).toMatchObject({
      status: 413,
      body: { message: 'Request entity too large: limit is 3145728' },
    });
    const stored = await patch({ body: big(2_200_000) });
    expect(stored.status).toBe(500);
    expect(stored.body).not.toHaveProperty('reason');
  });

  it('a no-op leaves the resourceVersion as it was', async () => {
    const body = adding(sleeping(uniqueName('twice')));
    await patch({ body });
    const before = lab.pod('web').spec;
    expect((await patch({ body })).status).toBe(200);
    expect(lab.pod('web').spec).toBe(before);
  });
});
