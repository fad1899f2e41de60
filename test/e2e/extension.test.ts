import '../support/needs.containers.js';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { ApiRefusal } from '../../sandbox/broker/api.client.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { SessionDetails, SessionStepView } from '../../src/contract/session.schema.js';
import { processesOf } from '../crash/evidence.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let robin: ApiClient;
let alex: ApiClient;
let audrey: ApiClient;

const EXTENSION = '    extension: { times: 2, longest: 10m }\n';

beforeAll(async () => {
  lab = await BrokerLab.start();
  const folder = await mkdtemp(join(lab.sandbox.folder, 'policies-'));
  await cp('sandbox/policies', folder, { recursive: true });
  const path = join(folder, 'access.yaml');
  const text = await readFile(path, 'utf8');
  const extendable = text
    .replace(/^ {4}extension: .*\n/m, EXTENSION)
    .replace('    longest: 30m\n', `    longest: 30m\n${EXTENSION}`);
  await writeFile(path, extendable);
  const broker = await lab.broker({ surroundings: { policies: folder } });
  robin = await lab.as('requester', broker);
  alex = await lab.as('approver', broker);
  audrey = await lab.as('auditor', broker);
});
afterEach(() => {
  lab.sandbox.cluster.faults.clear();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function active(
  durationSeconds: number,
  namespace: 'staging' | 'payments' = 'staging',
): Promise<{ readonly session: SessionDetails; readonly podName: string }> {
  const podName = uniqueName('web');
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace, name: podName });
  await cluster.untilPod(namespace, podName, (it) => it?.status.phase === 'Running');
  const asked = await robin.ask({
    namespace,
    target: { pod: podName },
    profile: 'shell',
    reason: 'the rollback may take longer',
    durationSeconds,
  });
  if (asked.state === 'pending') await alex.decide(asked, 'approve');
  return { session: await robin.until(asked.id, ['active']), podName };
}

/** The session after its first step of this event that comes after `after`. */
async function after(id: string, event: string, after = 0): Promise<SessionStepView> {
  for await (const step of robin.steps(id, AbortSignal.timeout(30_000))) {
    if (step.event === event && step.seq > after) return step;
  }
  throw new Error(`${id} ended without ${event}`);
}

/** The containers of the Pod that are Hallpass's, each with its state. */
function containersOf(podName: string, namespace = 'staging'): Record<string, string> {
  const statuses =
    lab.sandbox.cluster.pod(namespace, podName)?.status.ephemeralContainerStatuses ?? [];
  return Object.fromEntries(statuses.map(({ name, state }) => [name, Object.keys(state)[0] ?? '']));
}

const extend = (id: string, durationSeconds: number) =>
  robin.act(id, 'extend', { durationSeconds });

describe('a session that is extended', () => {
  test('goes on in another container to a later deadline, and the one before is ended', async () => {
    const { session, podName } = await active(300);
    const { id } = session;
    const asked = await extend(id, 600);
    expect(asked).toMatchObject({
      state: 'active',
      container: { name: `hallpass-${id}` },
      extensions: { done: 1, left: 1, underWay: { container: `hallpass-${id}-2` } },
    });
    expect(asked.allowedActions).not.toContain('extend');

    const { data } = await after(id, 'move');
    const moved = await robin.session(id);
    expect(data).toMatchObject({
      container: `hallpass-${id}-2`,
      former: `hallpass-${id}`,
      deadline: moved.deadline,
    });
    expect(moved).toMatchObject({
      state: 'active',
      container: { name: `hallpass-${id}-2` },
      startedAt: session.startedAt,
      extensions: { done: 1, left: 1, longestSeconds: 600, underWay: null },
    });
    expect(Date.parse(moved.deadline ?? '')).toBeGreaterThan(Date.parse(session.deadline ?? ''));

    const former = await after(id, 'retire');
    expect(former).toMatchObject({ to: 'active', data: { container: `hallpass-${id}` } });
    expect(containersOf(podName)).toEqual({
      [`hallpass-${id}`]: 'terminated',
      [`hallpass-${id}-2`]: 'running',
    });

    await robin.act(id, 'end');
    const ended = await robin.until(id, ['ended']);
    expect(ended).toMatchObject({ endReason: 'left', extensions: { underWay: null } });
    expect(Object.values(containersOf(podName))).toEqual(['terminated', 'terminated']);
    expect(processesOf(id)).toEqual([]);

    const actions = (await audrey.audit(id)).filter(({ action }) => action === 'session.extend');
    expect(actions).toMatchObject([
      {
        body: {
          outcome: 'success',
          data: {
            extension: { container: `hallpass-${id}-2`, durationSeconds: 600 },
            factsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
          },
        },
      },
    ]);
    expect(ended.decisions).toMatchObject([{ verdict: 'grant' }, { verdict: 'grant' }]);
  }, 60_000);

  test('ends at the deadline of its newest container, and not at the one before', async () => {
    const { session } = await active(12);
    await extend(session.id, 16);
    const ended = await robin.until(session.id, ['ended']);
    expect(ended).toMatchObject({
      endReason: 'deadline',
      container: { name: `hallpass-${session.id}-2` },
    });
    const lastedMs = Date.parse(ended.endedAt ?? '') - Date.parse(ended.startedAt ?? '');
    expect(lastedMs).toBeGreaterThan(15_000);
    expect(processesOf(session.id)).toEqual([]);
  }, 60_000);

  test('is extended as often as its terms allow, and no more', async () => {
    const { session } = await active(60);
    const { id } = session;
    for (const durationSeconds of [120, 240]) {
      const { version } = await extend(id, durationSeconds);
      await after(id, 'move', version);
    }
    const seen = await robin.session(id);
    expect(seen.container?.name).toBe(`hallpass-${id}-3`);
    expect(seen.allowedActions).toEqual(['end']);
    await expect(extend(id, 480)).rejects.toThrow(/extension-refused.*as often as its terms allow/);
    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
  }, 60_000);

  test('is revoked with both of its containers while the new one starts', async () => {
    const { session, podName } = await active(300, 'payments');
    const { id } = session;
    lab.sandbox.cluster.faults.add({
      match: { pod: podName, container: /-2$/ },
      effect: { kind: 'slow-start', delayMs: 2_000 },
    });
    await extend(id, 600);
    await lab.sandbox.cluster.untilPod(
      'payments',
      podName,
      (pod) => pod?.spec.ephemeralContainers?.length === 2,
    );
    await alex.act(id, 'revoke');
    const ended = await robin.until(id, ['ended']);
    expect(ended).toMatchObject({ endReason: 'revoked' });
    expect(Object.values(containersOf(podName, 'payments'))).not.toContain('running');
    expect(processesOf(id)).toEqual([]);
  }, 60_000);
});

describe('an extension that cannot be', () => {
  test.each([
    [
      'the API server refuses its container',
      {
        match: { method: 'PATCH', path: /ephemeralcontainers/ },
        effect: { kind: 'refuse', status: 403, message: 'no more of these' },
      },
      /no more of these/,
    ],
    [
      'its container never starts',
      { match: { container: /-2$/ }, effect: { kind: 'never-start' } },
      /Kubernetes says/,
    ],
  ] as const)(
    'because %s leaves the session as it was, and says why',
    async (_, fault, why) => {
      const { session, podName } = await active(60);
      const { id } = session;
      lab.sandbox.cluster.faults.add(fault);
      await extend(id, 120);
      const { data } = await after(id, 'unextend');
      expect(data['detail']).toMatch(why);
      const seen = await robin.session(id);
      expect(seen).toMatchObject({
        state: 'active',
        deadline: session.deadline,
        container: { name: `hallpass-${id}` },
        extensions: { done: 1, left: 1, underWay: null },
      });
      expect(seen.allowedActions).toContain('extend');
      lab.sandbox.cluster.faults.clear();

      const { version } = await extend(id, 240);
      await after(id, 'move', version);
      expect((await robin.session(id)).container?.name).toBe(`hallpass-${id}-3`);
      await robin.act(id, 'end');
      await robin.until(id, ['ended'], 40_000);
      expect(Object.values(containersOf(podName))).not.toContain('running');
      expect(processesOf(id)).toEqual([]);
    },
    90_000,
  );

  test('because its session is over is refused', async () => {
    const { session } = await active(60);
    await robin.act(session.id, 'end');
    await robin.until(session.id, ['ended']);
    await expect(extend(session.id, 120)).rejects.toThrow(ApiRefusal);
  }, 30_000);
});
