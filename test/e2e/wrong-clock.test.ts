import '../support/needs.containers.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokerLab } from '../support/broker.lab.js';

const SECONDS = 3;
/** Between what the container's node and the test see of a moment, on a busy machine; little beside ten minutes. */
const SLACK_MS = 10_000;

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

test.each([
  ['ten minutes late', -600_000],
  ['ten minutes early', 600_000],
])(
  'a session of a replica whose clock is %s starts, and ends at its deadline',
  async (_, offMs) => {
    const broker = await lab.broker({
      machineClock: { now: () => new Date(Date.now() + offMs) },
    });
    try {
      const robin = await lab.as('requester', broker);
      const asked = Date.now();
      const { id } = await robin.ask({
        namespace: 'staging',
        target: { workload: { kind: 'Deployment', name: 'cart' } },
        profile: 'shell',
        reason: 'a trial of clocks',
        durationSeconds: SECONDS,
      });
      const active = await robin.until(id, ['active', 'ending', 'ended']);
      const deadline = Date.parse(active.deadline ?? '');
      expect(Math.abs(deadline - asked - SECONDS * 1_000)).toBeLessThan(SLACK_MS);
      const ended = await robin.until(id, ['ended']);
      expect(ended.endReason).toBe('deadline');
      expect(Math.abs(Date.parse(ended.endedAt ?? '') - deadline)).toBeLessThan(SLACK_MS);
      expect(Math.abs(Date.now() - deadline)).toBeLessThan(2 * SLACK_MS);
      const metrics = await (await fetch(`${broker.managementUrl}/metrics`)).text();
      const correction = Number(/^hallpass_clock_correction_seconds (\S+)$/m.exec(metrics)?.[1]);
      expect(Math.abs(correction + offMs / 1_000)).toBeLessThan(1);
    } finally {
      await broker.stop();
    }
  },
);
