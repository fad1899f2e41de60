import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubernetesPods } from '../../src/adapters/kubernetes/kubernetes.pods.js';
import type { LogOptions } from '../../src/app/ports/cluster.pods.js';
import { isProblem } from '../../src/domain/problem.js';
import { BrokerLab, CLUSTER, NAMESPACE } from './broker.lab.js';

let lab: BrokerLab;
let pods: KubernetesPods;
beforeAll(async () => {
  lab = await BrokerLab.start();
  await lab.apply('rbac-logs.yaml');
  await lab.apply('rbac-portforward.yaml');
  pods = new KubernetesPods(lab.clusters);
});
afterAll(() => lab.close());

const ALL: Omit<LogOptions, 'container'> = { follow: false, previous: false, timestamps: false };
const NEVER = new AbortController().signal;

describe('a Pod', () => {
  it('is read as the cluster has it, what nobody looks at included', async () => {
    const place = await lab.place();
    const pod = await pods.read({ ...place, pod: place.pin.podName });
    expect(pod).toMatchObject({
      metadata: { name: place.pin.podName, uid: place.pin.podUid, namespace: NAMESPACE },
      status: { phase: 'Running' },
    });
    const theirs = lab.cluster.pod(NAMESPACE, place.pin.podName);
    expect(pod).toMatchObject({ spec: { dnsPolicy: theirs?.spec['dnsPolicy'] } });
  });

  it('that is not there, or where nothing may be touched, is refused in the same words', async () => {
    const absent = await pods.read({ cluster: CLUSTER, namespace: NAMESPACE, pod: 'absent' });
    const elsewhere = await pods.read({ cluster: CLUSTER, namespace: 'other', pod: 'absent' });
    expect(absent).toMatchObject({ problem: 'target-not-found' });
    expect(JSON.stringify(elsewhere)).toBe(JSON.stringify(absent).replaceAll(NAMESPACE, 'other'));
  });
});

describe('a log', () => {
  it('comes as the container wrote it, from its end where that is asked for', async () => {
    const place = await lab.place();
    const read = async (options: Partial<LogOptions>) => {
      const log = await pods.logs(place, { ...ALL, container: 'app', ...options }, NEVER);
      if (isProblem(log)) throw new Error(log.detail);
      const parts: Uint8Array[] = [];
      for await (const part of log) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    await expect.poll(() => read({})).toMatch(/^tick \d+\n/);
    expect(await read({ tailLines: 0 })).toBe('');
    expect(await read({ limitBytes: 4 })).toBe('tick');
  });

  it('that is followed ends when its reader says so', async () => {
    const place = await lab.place();
    const leave = new AbortController();
    const log = await pods.logs(place, { ...ALL, container: 'app', follow: true }, leave.signal);
    if (isProblem(log)) throw new Error(log.detail);
    let text = '';
    for await (const part of log) {
      text += Buffer.from(part).toString();
      leave.abort();
    }
    expect(text).toMatch(/^tick/);
  });

  it('of a container that is not there is refused in Kubernetes’ words', async () => {
    const place = await lab.place();
    expect(await pods.logs(place, { ...ALL, container: 'absent' }, NEVER)).toMatchObject({
      problem: 'container-not-ready',
      detail: expect.stringContaining('absent'),
    });
  });

  it('of a Pod that was made anew under the same name is not given', async () => {
    const place = await lab.place();
    const other = { ...place, pin: { ...place.pin, podUid: 'another' } };
    expect(await pods.logs(other, { ...ALL, container: 'app' }, NEVER)).toMatchObject({
      problem: 'target-changed',
    });
  });
});
