import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { Secret } from '../../src/config/secret.js';
import { BrokerLab } from '../support/broker.lab.js';
import { httpReceiver } from '../support/sink.receivers.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

const Batch = z.object({
  type: z.literal('audit.events'),
  data: z.object({ first: z.number(), events: z.array(z.unknown()) }),
});

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
    const away = receiver.posts.length;
    const verifier = new Webhook(SECRET);
    const taken = () =>
      receiver.posts
        .slice(away)
        .map(({ body, headers }) =>
          Batch.parse(verifier.verify(body, headers as Record<string, string>)),
        );
    // A broker begins with these two, in whichever order, in one batch or in two.
    const begins = ['policy.activated', 'log.started'].map((message) =>
      expect.objectContaining({ class_uid: 3004, message }),
    );
    await vi.waitFor(
      async () => {
        expect(taken().flatMap(({ data }) => data.events)).toEqual(expect.arrayContaining(begins));
        expect(await metrics()).toContain('hallpass_audit_sink_lag_events{sink="siem"} 0\n');
      },
      { timeout: 10_000 },
    );
    expect(taken()[0]?.data.first).toBe(0);
  } finally {
    await broker.stop();
  }
});
