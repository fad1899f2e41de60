import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
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

test('a broker delivers what it writes while it serves, and tells how far behind a sink is', async () => {
  let isUp = false;
  await using receiver = await httpReceiver(() => ({ status: isUp ? 200 : 503 }));
  const { config } = await lab.config();
  const url = `http://127.0.0.1:${receiver.port}`;
  const common = { format: 'ocsf', batch: 100, everyMs: 20, caPem: null } as const;
  const hook = {
    ...common,
    name: 'siem',
    kind: 'webhook',
    url,
    secret: new Secret(SECRET),
  } as const;
  const broker = await startBroker({ ...config, audit: { ...config.audit, sinks: [hook] } });
  if (isStartRefusal(broker)) throw new Error(broker.refused);
  try {
    const metrics = async () => await (await fetch(`${broker.managementUrl}/metrics`)).text();
    // The sink is down: the broker serves all the same, and says that events wait.
    await vi.waitFor(
      async () => {
        expect(receiver.posts.length).toBeGreaterThan(0);
        expect(await metrics()).toMatch(/hallpass_audit_sink_lag_events\{sink="siem"\} [1-9]/);
      },
      { timeout: 10_000 },
    );
    isUp = true;
    await vi.waitFor(
      async () =>
        expect(await metrics()).toContain('hallpass_audit_sink_lag_events{sink="siem"} 0\n'),
      { timeout: 10_000 },
    );
    const post = receiver.posts.at(-1);
    const headers = post?.headers ?? {};
    const told = new Webhook(SECRET).verify(post?.body ?? '', {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    });
    expect(told).toMatchObject({
      type: 'audit.events',
      data: {
        first: 0,
        // A broker begins with these two, in whichever order.
        events: expect.arrayContaining([
          expect.objectContaining({ class_uid: 3004, message: 'policy.activated' }),
          expect.objectContaining({ class_uid: 3004, message: 'log.started' }),
        ]),
      },
    });
  } finally {
    await broker.stop();
  }
});
