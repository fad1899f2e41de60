import type { Facts, FoundTarget } from '../../src/domain/policy/facts.js';
import { NO_HISTORY } from '../../src/domain/policy/facts.js';

export const FOUND: FoundTarget = {
  namespaceLabels: { tier: 'prod' },
  namespaceAnnotations: {},
  pod: 'checkout-5d9c',
  labels: { team: 'payments', app: 'checkout' },
  annotations: { 'example.com/owner': 'payments' },
  owner: { kind: 'Deployment', name: 'checkout' },
  phase: 'Running',
  ready: true,
  restarts: 3,
  containers: [
    {
      name: 'app',
      image: 'registry.example.com/checkout:1.2',
      digest: '',
      ready: true,
      restarts: 3,
    },
  ],
  node: 'node-1',
};

/** Robin asks for a Pod of checkout on a Thursday at noon in Berlin. */
export const FACTS: Facts = {
  requester: {
    issuer: 'https://login.example.com',
    subject: 'robin',
    email: 'robin@example.com',
    groups: ['payments-oncall', 'everyone'],
    claims: { department: 'payments' },
    acr: '',
    amr: ['pwd', 'otp'],
    authAgeSeconds: 300,
  },
  target: { cluster: 'prod', namespace: 'payments', found: FOUND },
  request: {
    profile: 'shell',
    container: 'app',
    durationSeconds: 900,
    reason: 'The connection pool is exhausted.',
    ticket: 'INC-4711',
    channel: 'cli',
    breakGlass: false,
  },
  history: { ...NO_HISTORY, overdueReviews: { mine: 0, byTeam: { payments: 1 } } },
  onCall: { payments: true, network: false, silent: 'unknown' },
  now: new Date('2026-01-15T11:00:00Z'),
};

/** As they are before the cluster was asked. */
export const FACTS_BEFORE: Facts = { ...FACTS, target: { ...FACTS.target, found: null } };

/** As large as expressions may look at. */
export const LARGEST_FACTS: Facts = {
  ...FACTS,
  requester: {
    ...FACTS.requester,
    groups: numbered(500, 256),
    claims: record(numbered(100, 256), 2_048),
    amr: numbered(50, 256),
    authAgeSeconds: null,
  },
  target: {
    ...FACTS.target,
    found: {
      ...FOUND,
      labels: record(numbered(250, 317), 63),
      namespaceLabels: record(numbered(250, 317), 63),
      annotations: record(numbered(500, 317), 262_144),
      containers: numbered(100, 253).map((name) => ({
        name,
        image: 'x'.repeat(1_024),
        digest: 'x'.repeat(256),
        ready: true,
        restarts: 1,
      })),
    },
  },
  request: { ...FACTS.request, reason: 'x'.repeat(2_000) },
};

/** Texts that differ at their ends only, which takes longest to find out. */
function numbered(count: number, chars: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(chars, 'x'));
}

function record(keys: readonly string[], chars: number): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, 'x'.repeat(chars)]));
}
