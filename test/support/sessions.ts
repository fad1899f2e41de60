import { PROFILE_OF_OLD } from '../../src/domain/policy/policy.js';
import { randomUUID } from 'node:crypto';
import type { Actor, Person } from '../../src/domain/person.js';
import type { DebugProfile, Grant, Requirement } from '../../src/domain/policy/policy.js';
import { newSessionId } from '../../src/domain/session/session.js';
import type { Session } from '../../src/domain/session/session.js';
import { TERMS } from './policies.js';

/** People and sessions for tests, complete and plain; override what the test is about. */
export const ROBIN: Person = {
  iss: 'https://id.example',
  sub: 'robin',
  name: 'Robin Requester',
  email: 'robin@example.com',
  groups: ['oncall'],
};
export const ALEX: Person = {
  iss: 'https://id.example',
  sub: 'alex',
  email: 'alex@example.com',
  groups: ['payments-leads'],
};
export const SAM: Person = {
  iss: 'https://id.example',
  sub: 'sam',
  email: 'sam@example.com',
  groups: ['payments-leads'],
};

export const SYSTEM: Actor = { kind: 'system', replica: 'test' };

export function actorOf(person: Person): Extract<Actor, { kind: 'person' }> {
  return { kind: 'person', person, signIn: {}, channel: 'api' };
}

export const PROFILE: DebugProfile = {
  name: 'shell',
  description: 'A shell',
  image: 'hallpass.sandbox/busybox:1',
  imagePullPolicy: 'IfNotPresent',
  securityContext: null,
  env: [],
  shell: '/bin/sh',
  ...PROFILE_OF_OLD,
};

export function grantOf(policyHash: string, ...require: Requirement[]): Grant {
  return {
    policyHash,
    rule: 'oncall',
    profile: PROFILE,
    terms: { ...TERMS, approvals: { ...TERMS.approvals, require } },
    breakGlass: false,
  };
}

/** A session as `ask` makes it, before its first step is written; each on a Pod of its own. */
export function newSession(over: Partial<Session> = {}): Session {
  const at = new Date();
  const id = newSessionId();
  const podName = `web-${id}`;
  return {
    id,
    version: 1,
    state: 'approved',
    requester: ROBIN,
    request: {
      cluster: 'sandbox',
      namespace: 'staging',
      target: { kind: 'pod', name: podName },
      profile: 'shell',
      reason: 'the pool is exhausted',
      durationSeconds: 600,
      start: 'on-approval',
      breakGlass: false,
    },
    pin: { podName, podUid: randomUUID(), nodeName: 'node-1' },
    grant: null,
    container: null,
    extension: null,
    extensions: 0,
    formerContainers: [],
    traceparent: null,
    createdAt: at,
    updatedAt: at,
    lapsesAt: new Date(at.getTime() + 900_000),
    escalatedAt: null,
    startingAt: null,
    startedAt: null,
    deadlineAt: null,
    endingAt: null,
    endedAt: null,
    endReason: null,
    endDetail: null,
    ...over,
  };
}
