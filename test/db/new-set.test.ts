import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPolicyErrors, readPolicyDocuments } from '../../src/adapters/policy/policy.documents.js';
import type { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { ActOnSession } from '../../src/app/act-on-session.js';
import type { Caller } from '../../src/app/caller.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { NotePerson } from '../../src/app/note-person.js';
import type { PolicyFile, PolicySet } from '../../src/domain/policy/policy.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { callerOf } from '../support/consent.lab.js';
import { BOUNDS } from '../support/session.bounds.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import type { Replica } from './asking.lab.js';
import { AskingLab, pod, ROBIN } from './asking.lab.js';

/** What the two sets say differently: all of it. */
const SETS = {
  a: { image: 'tools:a', longest: '30m', recording: 'strict', leads: 'payments-leads' },
  b: { image: 'tools:b', longest: '5m', recording: 'best-effort', leads: 'security' },
} as const;

function filesOf({ image, longest, recording, leads }: (typeof SETS)['a' | 'b']): PolicyFile[] {
  const rule = (name: string, approvals: string) => `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: ${name} }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: [${name}] }
  terms: { longest: ${longest}, recording: ${recording}${approvals} }
---
`;
  const consents = ', approvals: { require: [{ approvers: [leads] }] }';
  return [
    {
      name: 'access.yaml',
      text: `${rule('shop', leads === 'security' ? consents : '')}${rule('vault', consents)}# é, kept
apiVersion: hallpass/v1
kind: ApproverSet
metadata: { name: leads }
spec: { groups: [${leads}] }
`,
    },
    {
      name: 'profiles.yaml',
      text: `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: '${image}', allowTag: true, debugProfile: baseline }
`,
    },
  ];
}

function setOf(files: readonly PolicyFile[]): PolicySet {
  const set = readPolicyDocuments(files);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

const A = setOf(filesOf(SETS.a));
const B = setOf(filesOf(SETS.b));

let lab: AskingLab;
let database: Database;
let replica: Replica;
let deciding: DecideSession;
let acting: ActOnSession;
/** Asked for under A, before B was put in force: one that was granted, one that waits. */
let granted: Session;
let pending: Session;

beforeAll(async () => {
  lab = await AskingLab.start(A);
  database = lab.database();
  replica = lab.replica(database);
  const { store } = replica;
  const [clock, people] = [new HandClock(), new PrismaPeople(database)];
  const note = new NotePerson({ people, clock, journal: new MemoryJournal() });
  deciding = new DecideSession({ store, people, note, clock, bounds: BOUNDS });
  acting = new ActOnSession({ store, clock, bounds: BOUNDS });
  granted = (await replica.ask({ namespace: 'shop' })).session;
  pending = (await replica.ask({ namespace: 'vault' })).session;
  await lab.putInForce(B);
});
afterAll(() => lab[Symbol.asyncDispose]());

const someoneOf = (group: string): Caller =>
  callerOf({ iss: ROBIN.iss, sub: `one-of-${group}`, groups: [group] }, 1);

test('a new request is decided by the new set, also by a replica that had not heard of it', async () => {
  const ask = { namespace: 'shop', target: pod('another'), durationSeconds: 300 };
  const { session } = await replica.ask(ask);
  expect(session.state).toBe('pending');
  expect(session.grant).toMatchObject({
    policyHash: B.hash,
    profile: { image: 'tools:b' },
    terms: {
      longestSeconds: 300,
      recording: 'best-effort',
      approvals: { require: [{ count: 1, groups: ['security'] }] },
    },
  });
  const longer = await replica.ask({ ...ask, target: pod('third'), durationSeconds: 600 });
  expect(longer.session.state).toBe('denied');
});

test('a session that waits is approved by those whom the set of before asked, not by those of the new one', async () => {
  const say = (by: Caller) =>
    deciding.decide(by, pending.id, { verdict: 'approve', seenVersion: pending.version });
  expect(await say(someoneOf('security'))).toMatchObject({ problem: 'not-found' });
  const approved = await say(someoneOf('payments-leads'));
  expect(approved).toMatchObject({ state: 'approved', grant: pending.grant });
  const decisions = await replica.store.decisions(pending.id);
  expect(decisions.map(({ by, policyHash }) => [by, policyHash])).toEqual([
    ['policy', A.hash],
    ['person', A.hash],
  ]);
});

test('a session starts, and runs for the time it was granted, by the set of before', async () => {
  const started = await acting.act(callerOf(ROBIN, 1), granted.id, { action: 'start' });
  if (isProblem(started)) throw new Error(started.detail);
  expect(started).toMatchObject({
    state: 'starting',
    request: { durationSeconds: 900 },
    grant: granted.grant,
    container: { image: 'tools:a' },
  });
});

test('the set of before is still told by its hash, as it was written, letter by letter', async () => {
  const archive = new PrismaPolicyArchive(database);
  expect(A.hash).not.toBe(B.hash);
  expect(await archive.files(A.hash)).toEqual(filesOf(SETS.a));
  const again = setOf((await archive.files(A.hash)) ?? []);
  expect(again.hash).toBe(A.hash);
});
