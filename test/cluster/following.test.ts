import '../support/needs.containers.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '../../src/domain/session/observation.js';
import { BrokerLab, NAMESPACE, debugContainer, until } from './broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterEach(() => {
  lab.cluster.faults.clear();
  lab.cluster.requests.clear();
});
afterAll(() => lab.close());

const WATCH = { method: 'GET', path: /watch=true/ };
const limit = () => AbortSignal.timeout(20_000);
const isRunning = (seen: Observation) => seen.kind === 'running';
const isTerminated = (seen: Observation) => seen.kind === 'terminated';

describe('following a container', () => {
  it('tells the present state first, then each as it comes, and none twice', async () => {
    const place = await lab.place();
    const kinds: string[] = [];
    const signal = limit();
    for await (const seen of lab.clusters.follow(place, signal)) {
      kinds.push(seen.kind);
      if (seen.kind === 'absent') {
        await lab.clusters.add(place, debugContainer(place, ['/bin/sh', '-c', 'exit 7']));
      }
      if (seen.kind === 'terminated') {
        expect(seen.exitCode).toBe(7);
        break;
      }
    }
    expect(kinds[0]).toBe('absent');
    expect(kinds).toContain('waiting');
    expect(signal.aborted).toBe(false);
  });

  it('tells how an image that is not there keeps it from starting', async () => {
    const place = await lab.place();
    const container = { ...debugContainer(place), image: 'docker.io/library/absent:1' };
    await lab.clusters.add(place, container);
    const seen = await until(
      lab.clusters.follow(place, limit()),
      (it) => it.kind === 'waiting' && it.reason === 'ErrImageNeverPull',
    );
    expect(seen).toMatchObject({ message: expect.stringContaining('is not present') });
  });

  it('tells of a command that cannot be executed as of an end', async () => {
    const place = await lab.place();
    await lab.clusters.add(place, debugContainer(place, ['/no/such']));
    const seen = await until(lab.clusters.follow(place, limit()), isTerminated);
    expect(seen).toMatchObject({
      reason: 'RunContainerError',
      message: expect.stringContaining('/no/such'),
    });
  });

  it('ends with the Pod, deleted or replaced', async () => {
    const place = await lab.running();
    const following = lab.clusters.follow(place, limit())[Symbol.asyncIterator]();
    expect((await following.next()).value).toMatchObject({ kind: 'running' });
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
    let last: Observation | undefined;
    for (;;) {
      const next = await following.next();
      if (next.done === true) break;
      last = next.value;
    }
    expect(last).toMatchObject({ kind: 'pod-gone' });
    await lab.place({ name: place.pin.podName });
    expect(await lab.clusters.observe(place)).toMatchObject({
      kind: 'pod-gone',
      why: expect.stringContaining('another one made'),
    });
  });

  it('survives a watch that falls silent', async () => {
    const place = await lab.running();
    const fault = lab.cluster.faults.add({ match: WATCH, effect: { kind: 'silent-watch' } });
    const following = lab.clusters.follow(place, limit());
    const seen = until(following, isTerminated);
    await untilHit(fault);
    await lab.clusters.writeLine(place);
    expect(await seen).toMatchObject({ exitCode: 0 });
  });

  it.each(['cut-watch', 'expire-watch'] as const)(
    'survives a watch that ends by %s',
    async (kind) => {
      const place = await lab.running();
      const fault = lab.cluster.faults.add({
        match: { ...WATCH, times: 2 },
        effect: { kind, afterMs: 20 },
      });
      const seen = until(lab.clusters.follow(place, limit()), isTerminated);
      await untilHit(fault, 2);
      await lab.clusters.writeLine(place);
      expect(await seen).toMatchObject({ exitCode: 0 });
    },
  );

  it.each([403, 410, 429, 500])('survives watches that are answered %i', async (status) => {
    const place = await lab.running();
    const fault = lab.cluster.faults.add({ match: WATCH, effect: { kind: 'refuse', status } });
    const seen = until(lab.clusters.follow(place, limit()), isTerminated);
    await untilHit(fault);
    await lab.clusters.writeLine(place);
    expect(await seen).toMatchObject({ exitCode: 0 });
  });

  it('survives a history that was forgotten, and all connections cut', async () => {
    const place = await lab.running();
    const seen = until(lab.clusters.follow(place, limit()), isTerminated);
    await untilWatched();
    lab.cluster.compact();
    lab.cluster.dropConnections();
    await lab.clusters.writeLine(place);
    expect(await seen).toMatchObject({ exitCode: 0 });
  });

  it('waits for a cluster that does not answer at first', async () => {
    const place = await lab.running();
    lab.cluster.faults.add({
      match: { method: 'GET', times: 7 },
      effect: { kind: 'drop', when: 'before' },
    });
    expect(await until(lab.clusters.follow(place, limit()), isRunning)).toMatchObject({
      podEnding: false,
    });
  });

  it('leaves no connection behind, whichever way it ends', async () => {
    const place = await lab.running();
    const broker = lab.broker();
    await broker.observe(place);
    const before = lab.cluster.connections.open;
    for (const way of ['signal', 'break'] as const) {
      const stop = new AbortController();
      for await (const seen of broker.follow(place, stop.signal)) {
        expect(seen.kind).toBe('running');
        await untilWatched();
        if (way === 'break') break;
        stop.abort();
      }
      lab.cluster.requests.clear();
    }
    await untilTrue(() => lab.cluster.connections.open <= before);
    await broker.close();
  });

  it('ends at once when it is told to before it begins', async () => {
    const place = await lab.place();
    for await (const seen of lab.clusters.follow(place, AbortSignal.abort())) {
      expect.unreachable(`it told of ${seen.kind}`);
    }
  });
});

async function untilHit(fault: { readonly hits: number }, times = 1): Promise<void> {
  await untilTrue(() => fault.hits >= times);
}

async function untilWatched(): Promise<void> {
  await untilTrue(
    () => lab.cluster.requests.find({ ...WATCH, path: /watch=true/ }).length > 0 || watching(),
  );
}

/** A watch is logged when it ends; while it goes on, the server holds its connection. */
function watching(): boolean {
  return lab.cluster.connections.open >= 2;
}

async function untilTrue(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 15_000, interval: 20 }).toBe(true);
}
