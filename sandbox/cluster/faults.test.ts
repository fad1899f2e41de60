import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from './replay.lab.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start(['web']);
});
afterEach(() => lab.cluster.faults.clear());
afterAll(() => lab.close());

const podPath = '/api/v1/namespaces/lab/pods/web';
const get = () => lab.client.send({ method: 'GET', path: podPath, token: lab.token() });

describe('faults', () => {
  it('refuse with a status and a Retry-After, so many times and no more, and are counted', async () => {
    const fault = lab.cluster.faults.add({
      match: { method: 'GET', path: /pods\/web$/, times: 1 },
      effect: { kind: 'refuse', status: 429, retryAfterSeconds: 7 },
    });
    const refused = await get();
    expect(refused).toMatchObject({ status: 429, body: { reason: 'TooManyRequests' } });
    expect(refused.headers['retry-after']).toBe('7');
    expect((await get()).status).toBe(200);
    expect(fault.hits).toBe(1);
  });

  it.each([
    [409, 'Conflict'],
    [410, 'Expired'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ])('refuse with %i as a real server does: %s', async (status, reason) => {
    lab.cluster.faults.add({ effect: { kind: 'refuse', status } });
    const refused = { kind: 'Status', status: 'Failure', reason, code: status };
    expect(await get()).toMatchObject({ status, body: refused });
  });

  it('refuse, drop and cut streams too', async () => {
    await lab.running(lab.busybox('entered', ['sleep', '600']));
    const path = `${podPath}/exec?container=entered&stdout=true&command=true`;
    const enter = () =>
      lab.client.stream({ path, token: lab.token(), protocols: ['v5.channel.k8s.io'] });
    const match = { path: /exec/, times: 1 };
    lab.cluster.faults.add({ match, effect: { kind: 'refuse', status: 503 } });
    expect((await enter()).response).toMatchObject({ status: 503, body: { code: 503 } });
    lab.cluster.faults.add({ match, effect: { kind: 'drop', when: 'before' } });
    expect((await enter()).acceptedSubprotocol).toBeUndefined();
    lab.cluster.faults.add({ match, effect: { kind: 'drop', when: 'after' } });
    expect((await enter()).frames.at(-1)?.closed?.code).toBe(1006);
    expect((await enter()).frames.at(-1)?.closed?.code).toBe(1000);
  });

  it('drop the connection after the request took effect', async () => {
    lab.cluster.faults.add({ match: { method: 'PATCH' }, effect: { kind: 'drop', when: 'after' } });
    await expect(lab.addEphemeral(lab.busybox('kept', ['true']))).rejects.toThrow();
    expect(lab.pod('web').spec.ephemeralContainers?.map((c) => c.name)).toContain('kept');
  });

  it('delay for so long, and no longer than they are there', async () => {
    lab.cluster.faults.add({ effect: { kind: 'delay', delayMs: 100 } });
    const began = performance.now();
    expect((await get()).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(90);
    lab.cluster.faults.clear();
    const long = lab.cluster.faults.add({ effect: { kind: 'delay', delayMs: 3_600_000 } });
    const held = get();
    await expect.poll(() => long.hits).toBe(1);
    lab.cluster.faults.clear();
    expect((await held).status).toBe(200);
  });

  it('drop the connection before it took effect', async () => {
    lab.cluster.faults.add({
      match: { method: 'PATCH' },
      effect: { kind: 'drop', when: 'before' },
    });
    await expect(lab.addEphemeral(lab.busybox('lost', ['true']))).rejects.toThrow();
    expect(lab.pod('web').spec.ephemeralContainers?.map((c) => c.name)).not.toContain('lost');
  });

  it('delay an answer', async () => {
    lab.cluster.faults.add({ effect: { kind: 'delay', delayMs: 80 } });
    const began = performance.now();
    await get();
    expect(performance.now() - began).toBeGreaterThanOrEqual(79);
  });

  it('silence a watch, cut one, and expire one in the middle', async () => {
    const path = '/api/v1/namespaces/lab/pods?watch=true';
    const open = () => lab.client.watch({ path, token: lab.token() });
    lab.cluster.faults.add({ match: { times: 1 }, effect: { kind: 'silent-watch' } });
    const silent = await open();
    const heard = await open();
    await heard.until((lines) => lines.length > 0);
    expect(silent.lines).toEqual([]);
    silent.stop();
    heard.stop();
    lab.cluster.faults.add({ match: { times: 1 }, effect: { kind: 'cut-watch', afterMs: 10 } });
    await (
      await open()
    ).ended;
    lab.cluster.faults.add({ match: { times: 1 }, effect: { kind: 'expire-watch', afterMs: 10 } });
    const expired = await open();
    await expired.ended;
    expect(expired.lines.at(-1)?.line).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  it('keep a container from ever starting', async () => {
    const fault = lab.cluster.faults.add({
      match: { pod: 'web', container: /^stuck$/ },
      effect: { kind: 'never-start' },
    });
    await lab.addEphemeral(lab.busybox('stuck', ['true']));
    await lab.running(lab.busybox('free', ['sleep', '600']));
    const stuck = lab.pod('web').status.ephemeralContainerStatuses?.find((s) => s.name === 'stuck');
    expect(stuck?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(fault.hits).toBe(1);
  });

  it.each([
    ['start', { kind: 'slow-start', delayMs: 80 }],
    ['pull', { kind: 'slow-pull', delayMs: 80 }],
  ] as const)('make the %s of a container slow', async (what, effect) => {
    const fault = lab.cluster.faults.add({ match: { pod: 'web' }, effect });
    const began = performance.now();
    await lab.running(lab.busybox(`slow-${what}`, ['sleep', '600']));
    expect(performance.now() - began).toBeGreaterThanOrEqual(79);
    expect(fault.hits).toBe(1);
  });

  it('are set from another process with the admin token, and with no other', async () => {
    const set = (identity: string) =>
      lab.client.send({
        method: 'POST',
        path: '/_sandbox/faults',
        contentType: 'application/json',
        token: lab.token(identity),
        body: { match: { path: 'pods/web' }, effect: { kind: 'refuse', status: 500 } },
      });
    expect((await set('broker service account')).status).toBe(403);
    expect((await set('admin')).status).toBe(201);
    expect((await get()).status).toBe(500);
    const removed = { method: 'DELETE', path: '/_sandbox/faults', token: lab.token('admin') };
    expect((await lab.client.send(removed)).status).toBe(200);
    expect((await get()).status).toBe(200);
  });
});

describe('the request log', () => {
  it('tells method, path, user and status, and holds no token', async () => {
    await get();
    expect(lab.cluster.requests.find({ method: 'GET', path: /pods\/web$/ }).at(-1)).toMatchObject({
      user: 'system:serviceaccount:lab:broker',
      status: 200,
    });
    const text = JSON.stringify(lab.cluster.requests.all());
    expect(text).not.toContain(lab.token());
    expect(text).not.toContain(lab.cluster.tokens.admin);
  });
});
