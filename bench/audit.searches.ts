import { createHash } from 'node:crypto';
import type { AuditFilter } from '../src/app/ports/audit.index.js';
import type { AuditStage } from './audit.stage.js';
import { AUDITOR } from './audit.stage.js';
import { EACH_MS, FIRST_MS } from './audit.fill.js';

const PAGE = 50;
const DAY_MS = 86_400_000;

/** What is looked for at the `turn`-th time, in a log of so many events. */
type Wanted = (turn: number, size: number) => AuditFilter;

/** Each kind of filter: what is frequent, what is rare, what is old, and what there is none of. */
export const SEARCHES: Readonly<Record<string, Wanted>> = {
  nothing: () => ({}),
  person: (turn) => ({ person: `user-${(turn * 37) % 2_000}` }),
  'person of old': () => ({ person: 'founder' }),
  'person with issuer': (turn) => ({ person: `https://idp.example|user-${(turn * 41) % 2_000}` }),
  approver: (turn) => ({ approver: `approver-${turn % 50}` }),
  requester: (turn) => ({ requester: `user-${(turn * 43) % 2_000}` }),
  'e-mail': (turn) => ({ email: `user-${(turn * 47) % 2_000}@example.com` }),
  cluster: () => ({ cluster: 'main' }),
  namespace: (turn) => ({ namespace: `team-${turn % 150}` }),
  'namespace of old': () => ({ namespace: 'legacy' }),
  workload: (turn) => ({ workload: `Deployment/app-${(turn * 53) % 3_000}` }),
  pod: (turn, size) => ({ pod: podOf(turn, size) }),
  image: (turn) => ({ image: `registry.example/debug-${turn % 20}` }),
  action: (turn) => ({ action: ['session.ask', 'session.deny', 'recording.read'][turn % 3] ?? '' }),
  outcome: (turn) => ({ outcome: ['denied', 'failure', 'success'][turn % 3] ?? '' }),
  rule: (turn) => ({ rule: `rule-${turn % 50}` }),
  ticket: (turn, size) => ({ ticket: `OPS-${(turn * 59) % Math.max(1, Math.floor(size / 50))}` }),
  trace: (turn, size) => ({ trace: traceOf(turn, size) }),
  'trace and person': (turn, size) => ({ trace: traceOf(turn, size), person: 'auditor' }),
  'break-glass': () => ({ breakGlass: true }),
  time: (turn, size) => {
    const from = FIRST_MS + ((turn * 61) % 97) * (size / 97) * EACH_MS;
    return { from: new Date(from), until: new Date(from + DAY_MS) };
  },
  'text, in all': () => ({ text: 'deploy' }),
  'text, in a fifth': (turn) => ({ text: ['cart', 'search', 'mail'][turn % 3] ?? '' }),
  'text, rare': () => ({ text: 'heisenbug' }),
  'text, several words': (turn) => ({ text: `checkout ${500 + (turn % 100)} mail` }),
  'text, none': (turn) => ({ text: `neverwritten${turn}` }),
  'person and action': (turn) => ({
    person: `user-${(turn * 67) % 2_000}`,
    action: 'session.leave',
  }),
  'namespace and outcome': (turn) => ({ namespace: `team-${turn % 100}`, outcome: 'denied' }),
  'namespace and rule': (turn) => ({ namespace: `team-${turn % 20}`, rule: `rule-${turn % 50}` }),
  'action and text': () => ({ action: 'session.ask', text: 'heisenbug' }),
  'rare text and old time': () => ({ text: 'heisenbug', until: new Date(FIRST_MS + DAY_MS) }),
  'old time and namespace': (turn) => ({
    namespace: `team-${turn % 100}`,
    until: new Date(FIRST_MS + DAY_MS / 24),
  }),
  'old time and nothing else': () => ({ until: new Date(FIRST_MS + DAY_MS / 24) }),
  'frequent ones, never together': () => ({ action: 'session.run', outcome: 'denied' }),
  'frequent words, never together': () => ({ text: 'cart mail' }),
  'frequent ones, together of old alone': () => ({ rule: 'legacy-rule', action: 'session.ask' }),
  'a word and a person, never together': (turn) => ({
    person: 'auditor',
    text: 'starting',
    action: 'session.run',
    rule: `rule-${turn % 50}`,
  }),
};

/** How long the first page of each takes, in milliseconds, by its name. */
export async function searchTimes(
  stage: AuditStage,
  {
    size,
    turns,
    signal,
  }: { readonly size: number; readonly turns: number; readonly signal: AbortSignal },
): Promise<Map<string, readonly number[]>> {
  const times = new Map<string, number[]>();
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, wanted] of Object.entries(SEARCHES)) {
      signal.throwIfAborted();
      const fromMs = performance.now();
      await stage.search.page(AUDITOR, wanted(turn, size), { limit: PAGE });
      const tookMs = performance.now() - fromMs;
      times.set(name, [...(times.get(name) ?? []), tookMs]);
    }
  }
  return times;
}

/** The trace of some session in the log, of which each third has one. */
function traceOf(turn: number, size: number): string {
  const session = 3 * ((turn * 7_919) % Math.max(1, Math.floor(size / 30)));
  return createHash('md5').update(`trace${session}`).digest('hex');
}

/** A Pod that some session in the log was in: its name ends in the session's number. */
function podOf(turn: number, size: number): string {
  const session = (turn * 7_919) % Math.max(1, Math.floor(size / 10));
  return `app-${session % 3_000}-${session}`;
}
