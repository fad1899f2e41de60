import '../support/needs.containers.js';
import { lstatSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { isProblem } from '../../src/domain/problem.js';
import { BrokerLab, QUICK_SESSIONS } from '../support/broker.lab.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { REPLACE_SHELL, shell } from './inside.scripts.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Policies of the sandbox, with another word about what becomes of a session that does not end. */
async function policies(
  onOverrun: 'alert' | 'evict',
  { readOnlyRoot = true }: { readonly readOnlyRoot?: boolean } = {},
): Promise<string> {
  const folder = await mkdtemp(join(lab.sandbox.folder, 'policies-'));
  await cp('sandbox/policies', folder, { recursive: true });
  const path = join(folder, 'access.yaml');
  const text = await readFile(path, 'utf8');
  // A set that was in force before is not put in force by a start: this one never was.
  const mark = `# ${uniqueName('set')}\n`;
  await writeFile(
    path,
    mark + text.replace('longest: 1h', `longest: 1h\n    onOverrun: ${onOverrun}`),
  );
  if (!readOnlyRoot) {
    const profiles = join(folder, 'profiles.yaml');
    const profile = await readFile(profiles, 'utf8');
    await writeFile(profiles, profile.replaceAll('readOnlyRootFilesystem: true', ''));
  }
  return folder;
}

/** An active session whose container cannot be reached any more, ended by its requester. */
async function unendable(onOverrun: 'alert' | 'evict') {
  const broker = await lab.broker({
    surroundings: {
      policies: await policies(onOverrun),
      sessions: { ...QUICK_SESSIONS, overrunSeconds: 1 },
    },
  });
  const robin = await lab.as('requester', broker);
  const name = uniqueName('web');
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace: 'staging', name });
  await cluster.untilPod('staging', name, (it) => it?.status.phase === 'Running');
  const { id } = await robin.ask({
    namespace: 'staging',
    target: { pod: name },
    profile: 'shell',
    reason: 'a trial of the last resort',
    durationSeconds: 12,
  });
  await robin.until(id, ['active']);
  cluster.faults.add({
    match: { path: new RegExp(`${name}/(?:attach|exec)`) },
    effect: { kind: 'refuse', status: 500 },
  });
  await robin.act(id, 'end');
  const audrey = await lab.as('auditor', broker);
  return { broker, robin, id, name, audrey };
}

test('a session that does not end is an overrun on the record, stays ending, and is ended only when the cluster says so', async () => {
  const { broker, robin, id, name, audrey } = await unendable('alert');
  for await (const step of robin.steps(id)) if (step.event === 'overrun') break;
  expect(await robin.session(id)).toMatchObject({ state: 'ending', endedAt: null });
  // Nobody could end it from outside: its own timer does, at the deadline that it always had.
  expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'left' });
  expect(lab.sandbox.cluster.pod('staging', name)?.status.phase).toBe('Running');
  const actions = (await audrey.audit(id)).map(({ action }) => action);
  expect(actions.filter((action) => action === 'session.overrun')).toHaveLength(1);
  expect(actions).toContain('session.escalate');
  await broker.stop();
});

test('where policy says evict, its Pod is evicted after the overrun is on the record, and not before', async () => {
  const { broker, robin, id, name, audrey } = await unendable('evict');
  await robin.until(id, ['ended']);
  expect(lab.sandbox.cluster.pod('staging', name)).toBeUndefined();
  const overrun = (await audrey.audit(id)).find(({ action }) => action === 'session.overrun');
  const [eviction] = lab.sandbox.cluster.requests.find({
    method: 'POST',
    path: new RegExp(`${name}/eviction`),
  });
  expect(new Date(overrun?.at ?? 0).getTime()).toBeLessThanOrEqual(eviction?.at.getTime() ?? 0);
  // Announced before it is asked for, and told of when it is done.
  const escalations = (await audrey.audit(id)).filter(
    ({ action, body }) =>
      action === 'session.escalate' && JSON.stringify(body).includes('"how":"evict"'),
  );
  expect(escalations).toMatchObject([
    { body: { data: { how: 'evict' } } },
    { body: { data: { how: 'evict', answer: 'done' } } },
  ]);
  expect(new Date(escalations[0]?.at ?? 0).getTime()).toBeLessThanOrEqual(
    eviction?.at.getTime() ?? 0,
  );
  await broker.stop();
});

describe('a root user next to the application, who stops the timer and puts another program in the place of /bin/sh', () => {
  const canReplace = lstatSync('/bin').isSymbolicLink();

  /** An active session in which that has been tried, ended by its requester, once it has ended. */
  async function afterTrial({ readOnlyRoot }: { readonly readOnlyRoot: boolean }) {
    const broker = await lab.broker({
      surroundings: {
        policies: await policies('evict', { readOnlyRoot }),
        // Soon where it is waited for, and long after TERM where that does.
        sessions: { ...QUICK_SESSIONS, overrunSeconds: readOnlyRoot ? 30 : 8 },
      },
    });
    const robin = await lab.as('requester', broker);
    const podName = uniqueName('web');
    const { cluster, adminKubeconfig } = lab.sandbox;
    cluster.addPod({ namespace: 'staging', name: podName });
    const pod = await cluster.untilPod('staging', podName, (it) => it?.status.phase === 'Running');
    const { id } = await robin.ask({
      namespace: 'staging',
      target: { pod: podName },
      container: pod?.spec.containers[0]?.name ?? '',
      profile: 'shell',
      reason: 'a trial of who stays',
      durationSeconds: 600,
    });
    const { container } = await robin.until(id, ['active']);
    const clusters = new KubernetesClusters({
      clusters: [
        { name: 'admin', inCluster: false, kubeconfig: adminKubeconfig, namespaces: ['staging'] },
      ],
      log: new MemoryJournal(),
    });
    const pin = { podName, podUid: pod?.metadata.uid ?? '', nodeName: '' };
    const place = { cluster: 'admin', namespace: 'staging', pin };
    const replaced = await clusters.run(
      { ...place, containerName: container?.name ?? '' },
      shell(REPLACE_SHELL),
    );
    await clusters.close();
    if (isProblem(replaced)) throw new Error(replaced.detail);

    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
    const actions = (await (await lab.as('auditor', broker)).audit(id)).map(({ action }) => action);
    await broker.stop();
    return { replaced: replaced.exitCode === 0, actions, pod: cluster.pod('staging', podName) };
  }

  test('outlives line, TERM and KILL where the root file system is writable, until the overrun and the eviction', async ({
    skip,
  }) => {
    skip(!canReplace, 'the programs of this machine are no links that a container could replace');
    const { replaced, actions, pod } = await afterTrial({ readOnlyRoot: false });
    expect(replaced).toBe(true);
    // TERM and KILL were tried, and said that they had worked.
    expect(actions.filter((it) => it === 'session.escalate').length).toBeGreaterThanOrEqual(2);
    expect(actions).toContain('session.overrun');
    expect(pod).toBeUndefined();
  });

  test('is ended by TERM where it is read-only, and the application goes on', async () => {
    const { replaced, actions, pod } = await afterTrial({ readOnlyRoot: true });
    expect(replaced).toBe(false);
    expect(actions).not.toContain('session.overrun');
    expect(pod?.status.phase).toBe('Running');
  });
});
