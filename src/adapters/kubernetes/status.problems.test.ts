import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ProblemCode } from '../../domain/problem.js';
import { refusal } from './resilient.http.js';
import { problemOf } from './status.problems.js';

const RECORDINGS = new URL('../../../test/kubernetes-1.36/', import.meta.url);
const Recording = z.object({
  response: z.object({
    status: z.number(),
    headers: z.record(z.string(), z.string()),
    body: z.unknown(),
  }),
});

const subject = {
  cluster: 'prod-eu',
  namespace: 'lab',
  what: 'Pod "web"',
  act: 'the debug container',
};

interface Row {
  readonly code: ProblemCode;
  readonly says: RegExp;
  readonly quotes?: string;
}

/** Every recorded refusal of the patch: what it is to us, and a word of what people are told to do. */
const EXPECTED: Readonly<Record<string, Row | 'accepted'>> = {
  'patch/anonymous.json': { code: 'cluster-unauthorized', says: /deploy\/rbac\.yaml/ },
  'patch/bad-name.json': {
    code: 'container-refused',
    says: /profile corrected/,
    quotes: 'Bad_Name',
  },
  'patch/created.json': 'accepted',
  'patch/dry-run.json': 'accepted',
  'patch/forbidden-ports.json': {
    code: 'container-refused',
    says: /out of the profile/,
    quotes: '.ports',
  },
  'patch/forbidden-probe.json': {
    code: 'container-refused',
    says: /out of the profile/,
    quotes: '.livenessProbe',
  },
  'patch/forbidden-resources.json': {
    code: 'container-refused',
    says: /out of the profile/,
    quotes: '.resources',
  },
  'patch/malformed-json.json': {
    code: 'cluster-refused',
    says: /Tell the operators/,
    quotes: 'unexpected end',
  },
  'patch/name-of-app-container.json': {
    code: 'container-refused',
    says: /Ask for a new session/,
    quotes: 'Duplicate value',
  },
  'patch/namespace-missing.json': {
    code: 'target-not-found',
    says: /Ask again/,
    quotes: 'not found',
  },
  'patch/no-image.json': {
    code: 'container-refused',
    says: /image put into the profile/,
    quotes: 'Required value',
  },
  'patch/pod-completed.json': 'accepted',
  'patch/pod-missing.json': { code: 'target-not-found', says: /Ask again/, quotes: 'not found' },
  'patch/pod-pending.json': 'accepted',
  'patch/pod-security-denied.json': {
    code: 'pod-security-refused',
    says: /profile that fits/,
    quotes: 'violates PodSecurity',
  },
  'patch/pod-security-restricted-ok.json': 'accepted',
  'patch/rbac-denied.json': { code: 'cluster-unauthorized', says: /deploy\/rbac\.yaml/ },
  'patch/remove.json': {
    code: 'container-refused',
    says: /Ask for a new session/,
    quotes: 'may not be removed',
  },
  'patch/same-again.json': 'accepted',
  'patch/same-name-changed.json': {
    code: 'container-refused',
    says: /Ask for a new session/,
    quotes: 'may not be changed',
  },
  'patch/stale-resource-version.json': {
    code: 'write-conflict',
    says: /Try again/,
    quotes: 'has been modified',
  },
  'patch/target-missing.json': {
    code: 'container-not-found',
    says: /Name one of its containers/,
    quotes: 'nope',
  },
  'patch/unauthorized.json': { code: 'cluster-unauthorized', says: /renew its kubeconfig/ },
  'patch/unknown-field-strict.json': {
    code: 'container-refused',
    says: /does not know/,
    quotes: 'nonsense',
  },
  'patch/wrong-content-type.json': {
    code: 'cluster-refused',
    says: /Tell the operators/,
    quotes: 'Unsupported Media Type',
  },
  'patch/wrong-uid.json': {
    code: 'target-changed',
    says: /Ask again for the Pod that is there now/,
    quotes: 'immutable',
  },
  'admission/vap-ephemeral-denied.json': {
    code: 'admission-refused',
    says: /make an exception/,
    quotes: 'ValidatingAdmissionPolicy',
  },
};

function recorded(name: string) {
  const { response } = Recording.parse(JSON.parse(readFileSync(new URL(name, RECORDINGS), 'utf8')));
  return {
    httpStatus: response.status,
    retryAfter: undefined,
    body: JSON.stringify(response.body),
  };
}

/** The same answer with every text for people replaced: what is left is what may be decided by. */
function withoutWords(answer: ReturnType<typeof recorded>) {
  const body = JSON.stringify(JSON.parse(answer.body), (key, value: unknown) =>
    key === 'message' ? 'words' : value,
  );
  return { ...answer, body };
}

describe('what Kubernetes refuses', () => {
  it('covers every recorded answer to the patch', () => {
    const files = readdirSync(new URL('patch/', RECORDINGS)).map((file) => `patch/${file}`);
    expect(Object.keys(EXPECTED).filter((name) => name.startsWith('patch/'))).toEqual(files.sort());
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    if (expected === 'accepted') {
      it(`${name} was accepted`, () => expect(recorded(name).httpStatus).toBe(200));
      continue;
    }
    it(`${name} is ${expected.code}, and people are told what to do`, () => {
      const answer = problemOf(refusal(recorded(name)), subject);
      expect(answer.problem).toBe(expected.code);
      expect(answer.detail).toMatch(expected.says);
      if (expected.quotes !== undefined) expect(answer.detail).toContain(expected.quotes);
      expect(answer.detail.length).toBeLessThan(900);
      expect(answer.detail).not.toMatch(/\n/);
    });

    if (recorded(name).httpStatus === 422) {
      it(`${name} is known without reading its words`, () => {
        const answer = problemOf(refusal(withoutWords(recorded(name))), subject);
        expect(answer.problem).toBe(expected.code);
      });
    }
  }

  it('a missing right is named in the log and not to the caller', () => {
    const { detail, cause } = problemOf(refusal(recorded('patch/rbac-denied.json')), subject);
    expect(detail).not.toMatch(/serviceaccount|ephemeralcontainers/);
    expect(String(cause)).toContain(
      'Grant "patch" on "pods/ephemeralcontainers" in namespace "lab"',
    );
  });

  it('a refusal of a static Pod is one of the target', () => {
    const body = JSON.stringify({
      kind: 'Status',
      reason: 'Invalid',
      message:
        'Pod "etcd-n1" is invalid: []: Forbidden: static pods do not support ephemeral containers',
      details: {
        name: 'etcd-n1',
        causes: [{ reason: 'FieldValueForbidden', field: '[]', message: 'words' }],
      },
    });
    const answer = problemOf(refusal({ httpStatus: 422, retryAfter: undefined, body }), subject);
    expect(answer.problem).toBe('target-not-debuggable');
  });

  it('marks that dress text up, and endless messages, do not reach people', () => {
    const message = `\u202egnp.exe\u0007${'x'.repeat(100_000)}`;
    const body = JSON.stringify({ kind: 'Status', reason: 'Invalid', message });
    const { detail } = problemOf(
      refusal({ httpStatus: 422, retryAfter: undefined, body }),
      subject,
    );
    expect(detail).not.toMatch(/[\u202e\u0007]/);
    expect(detail.length).toBeLessThan(900);
  });

  it.each([
    { httpStatus: 500, code: 'cluster-unavailable', definite: false },
    { httpStatus: 503, code: 'cluster-unavailable', definite: false },
    { httpStatus: 429, code: 'cluster-unavailable', definite: true },
    { httpStatus: 413, code: 'container-refused', definite: true },
    { httpStatus: 418, code: 'cluster-refused', definite: true },
  ])('$httpStatus is $code, whatever its body', ({ httpStatus, code, definite }) => {
    for (const body of ['', '<html>', 'null', '[]', '{"kind":7}', '{"details":{"causes":"x"}}']) {
      const failure = refusal({ httpStatus, retryAfter: '7', body });
      expect(failure.definite).toBe(definite);
      const answer = problemOf(failure, subject);
      expect(answer).toMatchObject({ problem: code, retryAfterSeconds: 7 });
    }
  });
});

describe('a time to wait that an answer names', () => {
  it.each([
    ['7', 7],
    ['99999999999999999999', 3_600],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    ['-1', undefined],
  ])('of %s is one that times and timers can hold', (retryAfter, seconds) => {
    const said = problemOf(refusal({ httpStatus: 429, retryAfter, body: '' }), subject);
    expect(said.retryAfterSeconds).toBe(seconds);
  });
});
