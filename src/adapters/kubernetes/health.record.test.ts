import { expect, test } from 'vitest';
import { HealthRecord } from './health.record.js';

const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const SILENT = { failure: 'silent', definite: false, cause: new Error('cut') } as const;

function record(): HealthRecord {
  return new HealthRecord('prod', LOG, () => ({ readAt: null, refusedSince: null }));
}

test('a call that fails makes the probe come at once, and shuts nobody out by itself', () => {
  const health = record();
  health.probed('answered');
  expect(health.doubt.aborted).toBe(false);
  health.heard(SILENT);
  expect([health.doubt.aborted, health.isAway]).toEqual([true, false]);
  health.probed('cut-off');
  expect([health.doubt.aborted, health.isAway]).toEqual([false, true]);
});

test('newer credentials are worth a try at once, until a probe has tried them', () => {
  const health = record();
  health.probed('timed-out');
  health.renewed();
  expect([health.doubt.aborted, health.isAway]).toEqual([true, false]);
  health.probed('timed-out');
  expect(health.isAway).toBe(true);
});

test('a probe settles nothing that came while it was under way', () => {
  const health = record();
  const beganMs = performance.now() - 1;
  health.probed('timed-out', beganMs - 1);
  health.renewed();
  health.probed('timed-out', beganMs);
  expect([health.doubt.aborted, health.isAway]).toEqual([true, false]);
  health.probed('answered');
  expect(health.doubt.aborted).toBe(false);
  health.heard(SILENT);
  health.probed('answered', beganMs);
  expect(health.doubt.aborted).toBe(true);
});

test('a probe that fails says nothing where something was answered while it was under way', () => {
  const health = record();
  const beganMs = performance.now() - 1;
  health.probed('answered');
  health.probed('cut-off', beganMs);
  expect(health.state().state).toBe('reachable');
  health.probed('cut-off', performance.now() + 1);
  expect(health.state().state).toBe('unreachable');
});

test('one reason after the other is one outage, from its beginning', () => {
  const health = record();
  health.probed('timed-out');
  const { since } = health.state();
  health.probed('connection-refused');
  expect(health.state()).toMatchObject({ state: 'unreachable', trouble: 'connection-refused' });
  expect(health.state().since).toBe(since);
});

test.each([
  [404, 'reachable'],
  [429, 'reachable'],
  [401, 'unreachable'],
  [503, 'unreachable'],
] as const)('a refusal of %i leaves a cluster that was away %s', (httpStatus, state) => {
  const health = record();
  health.probed('timed-out');
  health.heard({ failure: 'refused', definite: true, httpStatus, status: {} });
  expect(health.state().state).toBe(state);
});
