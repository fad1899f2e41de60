import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { HttpOnCall } from '../../src/adapters/oncall/http.on-call.js';
import { isPolicyErrors, readPolicyDocuments } from '../../src/adapters/policy/policy.documents.js';
import type { PolicySet } from '../../src/domain/policy/policy.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import { json, OnCallServer } from '../oncall/on-call.server.js';
import type { Replica } from './asking.lab.js';
import { AskingLab, pod, ROBIN } from './asking.lab.js';

const EMAIL = 'robin@example.com';
const PERSON = { ...ROBIN, email: EMAIL };

/** `shop` is for those whom `payments` says to be on call; in `vault` they may not be. `staging` asks nobody. */
function setAsking(url: string): PolicySet {
  const rule = (namespace: string, effect: string, rest: string) => `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: ${namespace}-${effect} }
spec: { effect: ${effect}, match: { groups: [oncall], namespaces: [${namespace}] }${rest} }
---
`;
  const text = `${rule('shop', 'allow', `, when: "onCall['payments']", terms: { longest: 30m }`)}
${rule('vault', 'allow', ', terms: { longest: 30m }')}
${rule('vault', 'deny', `, when: "onCall['payments']"`)}
${rule('staging', 'allow', ', terms: { longest: 30m }')}
apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: payments }
spec: { url: '${url}', shape: generic, pointer: '', timeout: 10s, maxAge: 60s, staleFor: 5m }
---
apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'tools:1', allowTag: true, debugProfile: baseline }
`;
  const set = readPolicyDocuments([{ name: 'all.yaml', text }]);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

let lab: AskingLab;
beforeAll(async () => {
  lab = await AskingLab.start(setAsking(`http://127.0.0.1:${await freePort(0)}/oncalls`));
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A replica that really asks, by a clock that a test moves. */
function replicaThatAsks(): { replica: Replica; clock: HandClock; onCall: HttpOnCall } {
  const clock = new HandClock(new Date());
  const onCall = new HttpOnCall({ clock, journal: new MemoryJournal(), secrets: new Map() });
  return { replica: lab.replica(lab.database(), onCall), clock, onCall };
}

let pods = 0;
const ask = async (replica: Replica, namespace: string) => {
  const target = pod(`web-${pods++}`);
  const { session } = await replica.ask({ namespace, target }, { person: PERSON });
  const [decision] = await replica.store.decisions(session.id);
  return { ...session, said: decision?.explanation.join(' '), facts: decision?.facts };
};

test('a deny that looks at a source that does not answer denies, and says so', async () => {
  const { replica } = replicaThatAsks();
  const refused = await ask(replica, 'vault');
  expect(refused.state).toBe('denied');
  expect(refused.said).toContain('the on-call source "payments" did not answer');
});

test('a rule that looks at no source lets in whatever they say', async () => {
  const { replica } = replicaThatAsks();
  expect((await ask(replica, 'staging')).state).toBe('approved');
});

test('a source that answered lets in until its last answer is too old, and again once it answers', async () => {
  const server = await OnCallServer.start();
  try {
    server.answer = json([EMAIL]);
    await lab.putInForce(setAsking(`${server.url}/oncalls`));
    const { replica, clock } = replicaThatAsks();
    expect((await ask(replica, 'shop')).state).toBe('approved');
    server.answer = (_request, response) => response.writeHead(503).end();
    clock.advance(300);
    expect((await ask(replica, 'shop')).state).toBe('approved');
    clock.advance(1);
    expect((await ask(replica, 'shop')).said).toContain('"payments" did not answer');
    server.answer = json([EMAIL]);
    clock.advance(5);
    expect((await ask(replica, 'shop')).state).toBe('approved');
    server.answer = json(['sam@example.com']);
    clock.advance(60);
    const refused = await ask(replica, 'shop');
    expect(refused.state).toBe('denied');
    expect(refused.said).not.toContain('did not answer');
  } finally {
    await server.close();
  }
});
