import '../support/needs.containers.js';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { BrokerLab, QUICK_SESSIONS } from '../support/broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Policies of the sandbox, with another word about what becomes of a session that does not end. */
async function policies(onOverrun: 'alert' | 'evict'): Promise<string> {
  const folder = await mkdtemp(join(lab.sandbox.folder, 'policies-'));
  await cp('sandbox/policies', folder, { recursive: true });
  const path = join(folder, 'access.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('longest: 1h', `longest: 1h\n    onOverrun: ${onOverrun}`));
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
      action === 'session.escalate' && /"how":"evict"/.test(JSON.stringify(body)),
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
