import '../support/needs.containers.js';
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerLab, NAMESPACE, debugContainer, present } from './broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterEach(() => {
  lab.cluster.faults.clear();
  lab.cluster.requests.clear();
});
afterAll(() => lab.close());

const PATCH = { method: 'PATCH', path: /ephemeralcontainers/ };
const addedTo = (podName: string) =>
  (lab.cluster.pod(NAMESPACE, podName)?.spec.ephemeralContainers ?? []).map(({ name }) => name);

describe('adding the container', () => {
  it('puts it into the Pod as it was asked for, once, however often it is sent', async () => {
    const place = await lab.place();
    const container = { ...debugContainer(place), targetContainerName: 'app' };
    expect(await lab.clusters.add(place, container)).toBe('added');
    expect(await lab.clusters.add(place, container)).toBe('added');
    // What is false is not shown.
    const { stdinOnce: _once, tty: _tty, ...shown } = container;
    expect(lab.cluster.pod(NAMESPACE, place.pin.podName)?.spec.ephemeralContainers).toEqual([
      expect.objectContaining(shown),
    ]);
    // The API server is who compares them.
    expect(lab.cluster.requests.find({ ...PATCH, status: 200 })).toHaveLength(2);
  });

  it('is refused where a stranger has put another container under its name into the Pod', async () => {
    const place = await lab.place();
    const container = debugContainer(place);
    const strangers = { ...container, command: ['/bin/sh', '-c', 'sleep 3600'], env: [] };
    expect(await lab.clusters.add(place, strangers)).toBe('added');
    expect(await lab.clusters.add(place, container)).toMatchObject({
      refused: { problem: 'container-refused' },
      definite: true,
    });
  });

  it('is no matter of whether its Pod could take a new one, where it is there already', async () => {
    const place = await lab.place({
      image: 'docker.io/library/busybox:1',
      command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
      spec: { terminationGracePeriodSeconds: 30 },
    });
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
    lab.cluster.deletePod(NAMESPACE, place.pin.podName);
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
  });

  it('to a Pod made anew under the same name is refused, and nothing was sent', async () => {
    const place = await lab.place();
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
    await lab.place({ name: place.pin.podName });
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'target-changed' },
      definite: true,
    });
    expect(lab.cluster.requests.find(PATCH)).toEqual([]);
  });

  it('to a Pod that is gone is refused for good', async () => {
    const place = await lab.place();
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'target-not-found' },
      definite: true,
    });
  });

  it('to a Pod that has begun to end since it was chosen is refused, and nothing was sent', async () => {
    const place = await lab.place({
      image: 'docker.io/library/busybox:1',
      command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
      spec: { terminationGracePeriodSeconds: 30 },
    });
    lab.cluster.deletePod(NAMESPACE, place.pin.podName);
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'target-not-debuggable' },
      definite: true,
    });
    expect(lab.cluster.requests.find(PATCH)).toEqual([]);
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
  });

  it('is refused in a namespace that is no longer configured', async () => {
    const place = await lab.place();
    const narrowed = lab.broker({ namespaces: ['team-*'] });
    expect(await narrowed.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'target-not-found' },
      definite: true,
    });
    expect(addedTo(place.pin.podName)).toEqual([]);
  });

  it('whose profile has a field that the cluster does not know is refused, not weakened', async () => {
    const place = await lab.place();
    const container = { ...debugContainer(place), securityContext: { nonsense: true } };
    expect(await lab.clusters.add(place, container)).toMatchObject({
      refused: { problem: 'container-refused', detail: expect.stringContaining('nonsense') },
      definite: true,
    });
    expect(addedTo(place.pin.podName)).toEqual([]);
  });

  it('that Pod Security does not allow is refused, with what it says', async () => {
    lab.cluster.addNamespace('tight', { 'pod-security.kubernetes.io/enforce': 'baseline' });
    lab.cluster.addPod({ namespace: 'tight', name: 'web' });
    const pod = await lab.cluster.untilPod('tight', 'web', (it) => it?.status.phase === 'Running');
    const usual = await lab.place();
    const place = {
      ...usual,
      namespace: 'tight',
      pin: { ...usual.pin, podName: 'web', podUid: present(pod).metadata.uid },
    };
    const asAdmin = await adminBroker();
    const container = { ...debugContainer(place), securityContext: { privileged: true } };
    expect(await asAdmin.add(place, container)).toMatchObject({
      refused: {
        problem: 'pod-security-refused',
        detail: expect.stringContaining('violates PodSecurity'),
      },
      definite: true,
    });
  });
});

describe('adding the container while the cluster is in trouble', () => {
  it.each([409, 429, 500, 503])('succeeds after a %i', async (status) => {
    const place = await lab.place();
    const fault = lab.cluster.faults.add({
      match: { ...PATCH, times: 2 },
      effect: { kind: 'refuse', status, retryAfterSeconds: 0 },
    });
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
    expect(fault.hits).toBe(2);
    expect(addedTo(place.pin.podName)).toEqual([place.containerName]);
  });

  it.each(['before', 'after'] as const)(
    'succeeds, and once only, when the connection is cut %s it took effect',
    async (when) => {
      const place = await lab.place();
      lab.cluster.faults.add({ match: { ...PATCH, times: 1 }, effect: { kind: 'drop', when } });
      expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
      expect(addedTo(place.pin.podName)).toEqual([place.containerName]);
    },
  );

  it('that goes on is a refusal in doubt, for it may have taken effect', async () => {
    const place = await lab.place();
    lab.cluster.faults.add({ match: PATCH, effect: { kind: 'drop', when: 'after' } });
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'cluster-unavailable' },
      definite: false,
    });
    expect(addedTo(place.pin.podName)).toEqual([place.containerName]);
    lab.cluster.faults.clear();
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
  });

  it('a clear refusal after a try in doubt does not lift the doubt', async () => {
    const place = await lab.place();
    lab.cluster.faults.add({
      match: { ...PATCH, times: 1 },
      effect: { kind: 'drop', when: 'after' },
    });
    lab.cluster.faults.add({
      match: { ...PATCH, times: 1 },
      effect: { kind: 'refuse', status: 422, reason: 'Invalid' },
    });
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'container-refused' },
      definite: false,
    });
    expect(addedTo(place.pin.podName)).toEqual([place.containerName]);
  });

  it('where one of the session is there that was made differently, is in doubt: that one may run', async () => {
    const place = await lab.place();
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
    const other = { ...debugContainer(place), command: ['/bin/sh', '-c', 'read x; exit 1'] };
    expect(await lab.clusters.add(place, other)).toMatchObject({
      refused: { problem: 'container-refused' },
      definite: false,
    });
  });

  it('errors of its own that go on are in doubt, conflicts and refusals for load are not', async () => {
    for (const { status, definite } of [
      { status: 500, definite: false },
      { status: 409, definite: true },
      { status: 429, definite: true },
    ]) {
      const place = await lab.place();
      lab.cluster.faults.add({ match: PATCH, effect: { kind: 'refuse', status } });
      expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({ definite });
      lab.cluster.faults.clear();
    }
  });

  it('and cannot be reached at all is refused for good: nothing was sent', async () => {
    const place = await lab.place();
    lab.cluster.faults.add({ match: { method: 'GET' }, effect: { kind: 'drop', when: 'before' } });
    expect(await lab.clusters.add(place, debugContainer(place))).toMatchObject({
      refused: { problem: 'cluster-unavailable' },
      definite: true,
    });
  });
});

async function adminBroker() {
  const path = `${lab.folder}/admin`;
  await writeFile(path, lab.cluster.kubeconfig('admin'));
  return lab.broker({ kubeconfig: path, namespaces: ['*'] });
}
