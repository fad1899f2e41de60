import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Broker } from '../../src/broker.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import { Balancer } from '../support/balancer.js';
import { BrokerLab } from '../support/broker.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { TerminalClient } from '../support/terminal.client.js';

const LONG_LEASE = { leaseSeconds: 120 };
let lab: BrokerLab;
let staying: Broker;
beforeAll(async () => {
  lab = await BrokerLab.start({ cluster: { port: 0 } });
  staying = await lab.broker();
});
afterAll(() => lab[Symbol.asyncDispose]());

const leavingBroker = (drainSeconds: number) =>
  lab.broker({ surroundings: { server: { drainSeconds }, sessions: LONG_LEASE } });

async function pod(): Promise<string> {
  const name = uniqueName('web');
  const image = 'docker.io/library/busybox:1';
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace: 'staging', name, image, command: ['sleep', '3600'] });
  await cluster.untilPod('staging', name, (it) => it?.status.phase === 'Running');
  return name;
}

const wish = (name: string) => ({
  namespace: 'staging',
  target: { pod: name },
  profile: 'shell',
  reason: 'a replica will leave',
  durationSeconds: 300,
});

async function active(robin: ApiClient): Promise<string> {
  const { id } = await robin.ask(wish(await pod()));
  await robin.until(id, ['active']);
  return id;
}

async function enter(robin: ApiClient, broker: Broker, id: string): Promise<TerminalClient> {
  const answer = await robin.call('POST', `/v1/sessions/${id}/tickets`, {
    body: { kind: 'terminal' },
  });
  const { ticket } = TicketView.parse(answer.body);
  return TerminalClient.connect(Number(new URL(broker.url).port), { id, ticket });
}

/** What somebody in a session is told of the stop, which comes after they were let in. */
async function warning({ texts }: TerminalClient): Promise<Record<string, unknown>> {
  const told = () => texts.find((it) => it['kind'] === 'stopping');
  return vi.waitUntil(told, { timeout: 10_000, interval: 5 });
}

describe('a replica that is told to stop', () => {
  it('is not ready at once, serves everybody during its drain, and closes their connections', async () => {
    // Time enough for all that is done below, however busy the machine is.
    const broker = await leavingBroker(5);
    const robin = await lab.as('requester', broker);
    const id = await active(robin);
    const inside = await enter(robin, broker, id);
    await inside.said('open');

    const left = broker.leave();
    const readyz = await fetch(`${broker.managementUrl}/readyz`);
    expect([readyz.status, await readyz.json()]).toMatchObject([503, { status: 'draining' }]);
    const answer = await robin.call('GET', `/v1/sessions/${id}`);
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
    const late = await enter(robin, broker, id);
    await late.said('open');
    expect((await warning(inside))['text']).toContain('stops in 5 seconds');
    await warning(late);

    expect(await left).toBe('in time');
    for (const client of [inside, late]) {
      expect(await client.closed()).toBe(1001);
      expect(client.texts.at(-1)).toEqual({ type: 'end', kind: 'shutdown' });
    }
  });

  it('lets go of what it works on, so that another goes on at once', async () => {
    const broker = await leavingBroker(0);
    const robin = await lab.as('requester', broker);
    const pods = await Promise.all(Array.from({ length: 6 }, pod));
    const asked = await Promise.all(pods.map((name) => robin.ask(wish(name))));
    expect(await broker.leave()).toBe('in time');
    const elsewhere = await lab.as('requester', staying);
    const began = performance.now();
    for (const { id } of asked) await elsewhere.until(id, ['active'], 60_000);
    await Promise.all(asked.map(({ id }) => elsewhere.act(id, 'end')));
    for (const { id } of asked) await elsewhere.until(id, ['ended'], 60_000);
    // A lease that was kept would have held them for two minutes.
    expect(performance.now() - began).toBeLessThan((LONG_LEASE.leaseSeconds * 1_000) / 2);
  }, 120_000);

  it('finishes the recordings of those who are in sessions, in order', async () => {
    const broker = await leavingBroker(0);
    const robin = await lab.as('requester', broker);
    const id = await active(robin);
    const inside = await enter(robin, broker, id);
    await inside.said('open');
    inside.type('echo seen-$((40 + 2))\n');
    await vi.waitFor(() => expect(inside.bytes().toString()).toContain('seen-42'), 15_000);
    expect(await broker.leave()).toBe('in time');
    const alex = await lab.as('auditor', staying);
    const events = (await alex.audit(id)).filter(({ action }) => action.startsWith('recording.'));
    expect(events.map(({ action }) => action)).toEqual(['recording.started', 'recording.finished']);
  });
});

describe('a person in a terminal whose replica stops', () => {
  it('is told, brought to another replica, and works there in a new shell', async () => {
    const broker = await leavingBroker(1);
    using balancer = await Balancer.start();
    balancer.add(broker.url);
    const token = await lab.sandbox.identity.tokenFor(PEOPLE.requester);
    await using home = await HallpassHome.make({
      HALLPASS_SERVER: balancer.url,
      HALLPASS_TOKEN: token,
    });
    const id = await active(await lab.as('requester', broker));
    using person = home.terminal(['connect', id]);
    await person.sees(/is recorded/);
    person.type('mine=secret; echo one-[$mine]\r');
    await person.sees(/one-\[secret\]/);

    balancer.remove(broker.url);
    balancer.add(staying.url);
    expect(await broker.leave()).toBe('in time');
    await person.sees(/stops in 1 second/);
    await person.sees(/coming back to it/);
    await person.sees(/Back in the session: in a new shell/);
    person.type('echo two-[$mine]\r');
    await person.sees(/two-\[\]/);
    person.type('exit 3\r');
    expect(await person.ended()).toBe(3);
  });
});
