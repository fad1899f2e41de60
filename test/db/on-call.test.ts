import { expect, test } from 'vitest';
import { HttpOnCall } from '../../src/adapters/oncall/http.on-call.js';
import { isPolicyErrors, readPolicyDocuments } from '../../src/adapters/policy/policy.documents.js';
import { OnCallServer, json } from '../oncall/on-call.server.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import { AskingLab, ROBIN } from './asking.lab.js';

const EMAIL = 'robin@example.com';

/** Whoever is on call gets in; the rota is asked at `url`. */
function setWith(url: string) {
  const text = `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: on-call }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: [shop] }
  when: onCall['rota']
  terms: { longest: 1h }
---
apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: rota }
spec: { url: '${url}/rota', shape: generic, timeout: 10s }
---
apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'tools:1', allowTag: true, debugProfile: general }
`;
  const set = readPolicyDocuments([{ name: 'all.yaml', text }]);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

test('who is on call gets in; a source that does not answer lets nobody in, and the refusal says so', async () => {
  const rota = await OnCallServer.start();
  rota.answer = json([EMAIL]);
  await using lab = await AskingLab.start(setWith(rota.url));
  const person = { ...ROBIN, email: EMAIL };
  const asking = () => {
    const onCall = new HttpOnCall({
      clock: new HandClock(),
      journal: new MemoryJournal(),
      secrets: new Map(),
    });
    return lab.replica(lab.database(), onCall).ask({}, { person });
  };
  const { session } = await asking();
  expect(session.state).toBe('approved');
  const [decision] = await lab.replica().store.decisions(session.id);
  expect(decision?.explanation).toContain("Its condition holds: onCall['rota'].");
  await lab.replica().withdraw(session);

  rota.answer = json(['somebody.else@example.com']);
  expect((await asking()).session.endDetail).toContain('its condition does not hold');

  await rota.close();
  const silent = (await asking()).session;
  expect(silent.state).toBe('denied');
  expect(silent.endDetail).toContain('its condition cannot be told');
  expect(silent.endDetail).toContain('the on-call source "rota" did not answer');
});
