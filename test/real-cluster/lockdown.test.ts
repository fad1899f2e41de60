import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adding, HALLPASS, MALLORY, sessionContainer } from '../lockdown/lockdown.requests.js';
import { LOCKDOWN_CASES, SETTINGS } from '../lockdown/lockdown.table.js';
import { AdmissionLab, containersBefore } from './admission.lab.js';
import { givenKubeconfig } from './given.cluster.js';

/** The lock-down kit on the cluster of KUBECONFIG, with the policies that Kubernetes compiles. No node is needed. */
const PATIENCE_MS = 240_000;
/** So many sessions have been in a Pod: no expression may come to cost too much by them. */
const MANY = Array.from({ length: 300 }, (_, index) => {
  const { name, ...rest } = sessionContainer();
  return { ...rest, name: `${name}-${String(index + 1)}` };
});

const opened = new AsyncDisposableStack();
let lab: AdmissionLab;
beforeAll(async () => {
  lab = opened.use(await AdmissionLab.start(givenKubeconfig(process.env)));
  await Promise.all(
    Object.entries(SETTINGS).map(([name, setting]) => lab.enforce(name, setting, podsOf(name))),
  );
}, PATIENCE_MS);
afterAll(() => opened.disposeAsync(), PATIENCE_MS);

/** The lists of containers that the cases of a setting find in a Pod. */
function podsOf(setting: string): object[][] {
  const lists = LOCKDOWN_CASES.filter((it) => it.setting === setting).map(({ facts }) =>
    containersBefore(facts),
  );
  const some = [...lists.filter((it) => it.length > 0), ...(setting === 'usual' ? [MANY] : [])];
  return [...new Map(some.map((it) => [it.length, it])).values()];
}

describe('the API server says of each request what our own evaluation of the policies says', () => {
  test.concurrent.each(LOCKDOWN_CASES)('$what', async ({ setting, facts, isInvalid }) => {
    const told = await lab.play(setting, facts);
    if (isInvalid && told.status === 422) return;
    expect(lab.expected(setting, facts)).toContainEqual(told);
  });

  test('in a Pod that has had hundreds of sessions as well', async () => {
    const one = sessionContainer();
    const wrong = { ...one, image: 'busybox:1' };
    for (const facts of [
      adding(HALLPASS, [one], MANY),
      adding(HALLPASS, [wrong], MANY),
      adding(MALLORY, [one], MANY),
    ]) {
      expect(lab.expected('usual', facts)).toContainEqual(await lab.play('usual', facts));
    }
  });
});

describe('whatever the way, an admin of the cluster', () => {
  const debug = { name: 'debugger-x', image: 'busybox:1', targetContainerName: 'app' };
  const added = { spec: { ephemeralContainers: [debug] } };
  const applied = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, ...added };
  const operation = [{ op: 'add', path: '/spec/ephemeralContainers', value: [debug] }];
  const below = (subresource: string) => `${lab.podPath('usual')}/${subresource}`;
  const ours = 'ephemeralcontainers';

  test.each([
    ['a strategic merge patch', ours, 'strategic-merge-patch+json', added],
    ['a merge patch', ours, 'merge-patch+json', added],
    ['a JSON patch', ours, 'json-patch+json', operation],
    ['an apply', `${ours}?fieldManager=mallory&force=true`, 'apply-patch+yaml', applied],
  ])('adds no debug container by %s', async (_, path, type, body) => {
    const told = await lab.ask({
      ...{ by: MALLORY, method: 'PATCH', path: below(path), body },
      contentType: `application/${type}`,
    });
    expect(told).toMatchObject({ status: 403, message: expect.stringContaining('Only Hallpass') });
  });

  test('adds none by putting a whole Pod', async () => {
    const body = await lab.podWith('usual', [debug]);
    const put = (path: string) => lab.ask({ by: MALLORY, method: 'PUT', path, body });
    const told = await put(below(ours));
    expect(told).toMatchObject({ status: 403, message: expect.stringContaining('Only Hallpass') });
    expect((await put(lab.podPath('usual'))).status).toBe(422);
    for (const subresource of ['status', 'resize']) await put(below(subresource));
    expect(await lab.containersOf('usual')).toEqual([]);
  });

  test('adds none through the Pod, its status, its size, or a new Pod', async () => {
    const patch = (path: string) =>
      lab.ask({
        ...{ by: MALLORY, method: 'PATCH', path, body: added },
        contentType: 'application/strategic-merge-patch+json',
      });
    for (const path of ['', '/status', '/resize']) await patch(`${lab.podPath('usual')}${path}`);
    expect(await lab.containersOf('usual')).toEqual([]);
    const { spec } = await lab.podWith('usual', [debug]);
    const path = lab.podPath('usual').replace(/\/[^/]+$/, '');
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'new' }, spec };
    expect((await lab.ask({ by: MALLORY, method: 'POST', path, body })).status).toBe(422);
  });

  test('changes or removes no container of a session that is there', async () => {
    const pod = `web-with-${String(MANY.length)}`;
    const path = `${lab.podPath('usual', pod)}/${ours}`;
    const before = await lab.containersOf('usual', pod);
    const patches = [
      { name: before[0], image: 'busybox:1' },
      { name: before[0], $patch: 'delete' },
    ];
    for (const it of patches) {
      const { status } = await lab.ask({
        ...{ by: MALLORY, method: 'PATCH', path, body: { spec: { ephemeralContainers: [it] } } },
        contentType: 'application/strategic-merge-patch+json',
      });
      expect(status).toBe(422);
    }
    expect(await lab.containersOf('usual', pod)).toEqual(before);
  });

  test.each(['GET', 'POST'])(
    'enters no session by naming several containers, by %s',
    async (method) => {
      const exec = (query: string) =>
        lab.ask({ by: MALLORY, method, path: below(`exec?command=sh&stdout=true&${query}`) });
      // The first is the one that is entered, and the one that is looked at.
      const [first, second] = [
        await exec('container=hallpass-x&container=app'),
        await exec('container=app&container=hallpass-x'),
      ];
      expect(first).toMatchObject({ status: 403, message: expect.stringContaining('Hallpass') });
      expect(second).toMatchObject({
        status: 400,
        message: expect.not.stringContaining('hallpass'),
      });
    },
  );
});
