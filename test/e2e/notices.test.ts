import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { Broker } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { Secret } from '../../src/config/secret.js';
import { BrokerLab } from '../support/broker.lab.js';
import { httpReceiver } from '../support/sink.receivers.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

test('two brokers tell a webhook once of each step, in order, though it was away at first', async () => {
  let isUp = false;
  await using receiver = await httpReceiver(() => ({ status: isUp ? 200 : 503 }));
  const { config } = await lab.config();
  const channel = {
    name: 'tickets',
    kind: 'webhook',
    url: `http://127.0.0.1:${receiver.port}`,
    secret: new Secret(SECRET),
    fingerprint: 'f',
    caPem: null,
    allowPrivate: true,
  } as const;
  const notifications = {
    channels: [channel],
    subscriptions: [
      {
        channel: 'tickets',
        events: ['request.waiting', 'session.granted', 'session.ended'],
        clusters: ['*'],
        namespaces: ['pay*'],
        autoGranted: false,
      },
    ],
    giveUpDays: 1,
  } as const;
  const brokers: Broker[] = [];
  try {
    for (let replicas = 0; replicas < 2; replicas++) {
      const { server } = (await lab.config()).config;
      const broker = await startBroker({ ...config, server, notifications });
      if (isStartRefusal(broker)) throw new Error(broker.refused);
      brokers.push(broker);
    }
    const [first, second] = brokers;
    if (!first || !second) throw new Error('there are no brokers');
    const robin = await lab.as('requester', first);
    const alex = await lab.as('approver', second);
    const podName = uniqueName('web');
    lab.sandbox.cluster.addPod({ namespace: 'payments', name: podName });
    const asked = await robin.ask({
      namespace: 'payments',
      target: { pod: podName },
      profile: 'shell',
      reason: 'pool exhausted',
      durationSeconds: 60,
      start: 'manual',
    });
    await alex.decide(asked, 'approve');
    await robin.act(asked.id, 'end');
    await vi.waitFor(() => expect(receiver.posts.length).toBeGreaterThan(0), 10_000);
    isUp = true;
    const away = receiver.posts.length;
    await vi.waitFor(
      () => expect(receiver.posts.slice(away).length).toBeGreaterThanOrEqual(3),
      20_000,
    );
    const metrics = await (await fetch(`${second.managementUrl}/metrics`)).text();
    expect(metrics).toContain('hallpass_channel_up{channel="tickets"} ');
    const verifier = new Webhook(SECRET);
    const told = receiver.posts
      .slice(away)
      .map(({ body, headers }) => verifier.verify(body, headers as Record<string, string>));
    expect(told).toMatchObject(
      ['request.waiting', 'session.granted', 'session.ended'].map((kind) => ({
        type: `hallpass.${kind}`,
        data: { session: { id: asked.id, reason: 'pool exhausted', namespace: 'payments' } },
      })),
    );
  } finally {
    await Promise.all(brokers.map((broker) => broker.stop()));
  }
}, 60_000);
