import type { ASTNode } from '@marcbachmann/cel-js';
import { parse } from '@marcbachmann/cel-js';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { AdmissionPolicies } from '../../sandbox/cluster/admission.policies.js';
import { AdmissionPolicy } from '../../sandbox/cluster/admission.schema.js';
import type { DebugProfile } from '../../src/domain/policy/policy.js';
import { SECURITY_CONTEXTS } from '../../src/domain/policy/debug-profiles.js';
import { recordedRequests } from '../support/audit.entries.js';
import {
  ALLOWED_WORDS,
  celList,
  lockdownTexts,
  POLICY_FILES,
  readLockdown,
} from './lockdown.files.js';
import type { LockdownValues } from './lockdown.files.js';
import { changedContainer, LIMITS, WRONG_CONTAINERS } from './lockdown.cases.js';
import {
  adding,
  DIGEST,
  entering,
  FIREFIGHTER,
  HALLPASS,
  MALLORY,
  sessionContainer,
} from './lockdown.requests.js';

/** What Kubernetes 1.30, the first with these policies, has of CEL (k8s.io/apiserver/pkg/cel/environment/base.go). */
const FUNCTIONS = new Set([
  ...['has', 'all', 'exists', 'filter', 'map', 'size', 'int'],
  ...['contains', 'matches', 'split', 'startsWith', 'trim'],
]);
/** In a policy each expression may take this much (k8s.io/apiserver/pkg/apis/cel/config.go, StorageExpressionMaxLength). */
const CHARACTERS_MAX = 4_096;

function inForce(
  mode: 'audit' | 'enforce' = 'enforce',
  values: LockdownValues = {},
): AdmissionPolicies {
  const policies = new AdmissionPolicies();
  const exceptGroups = ['firefighters'];
  const limits = { images: celList(DIGEST), ...values.limits };
  policies.use(...lockdownTexts(mode, { exceptGroups, ...values, limits }));
  return policies;
}

const enforced = inForce();
const saidTo = (facts: Parameters<AdmissionPolicies['review']>[0], policies = enforced): string => {
  const body = policies.review(facts).refusal?.body;
  return typeof body === 'object' ? (body.details?.causes?.[0]?.message ?? '') : '';
};
const ALLOWED = '';

describe('the policies', () => {
  const expressions = POLICY_FILES.flatMap((file) => {
    const { spec } = AdmissionPolicy.parse(parseDocument(readLockdown(file)).toJS());
    return [
      ...spec.variables.map((it) => it.expression),
      ...spec.validations.map((it) => it.expression),
      ...spec.auditAnnotations.map((it) => it.valueExpression),
    ];
  });

  test('are compiled, every expression of them, and those with other types are not', () => {
    expect(expressions.length).toBeGreaterThan(40);
    expect(() => inForce()).not.toThrow();
    const broken = readLockdown('adding').replace('size(variables.added) == 0 ||', '1 +');
    expect(() => new AdmissionPolicies().use(broken)).toThrow();
    const number = readLockdown('adding').replace(/expression: 'size\(.*/, "expression: '1 + 1'");
    expect(() => new AdmissionPolicies().use(number)).toThrow(/not bool/);
  });

  test.each(expressions)('use what every Kubernetes with such policies has: %s', (expression) => {
    expect(functionsOf(parse(expression).ast).filter((name) => !FUNCTIONS.has(name))).toEqual([]);
    expect(expression.length).toBeLessThan(CHARACTERS_MAX);
  });

  test.each(['audit', 'enforce'] as const)('are all bound in mode %s', (mode) => {
    const bound = [...readLockdown(mode).matchAll(/policyName: hallpass-(.*)/g)].map((it) => it[1]);
    expect(bound.toSorted()).toEqual([...POLICY_FILES].toSorted());
  });

  test('refuse nothing while they audit: they warn, and tell the audit log', () => {
    const facts = adding(MALLORY, [{ name: 'debugger-x', image: 'busybox' }]);
    const { refusal, warnings, annotations } = inForce('audit').review(facts);
    expect(refusal).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('Only Hallpass adds debug containers')]);
    expect(Object.values(annotations).join()).toContain('"policy":"hallpass-adding"');
  });
});

test('the policies take no parameters, which an API server may not find again', () => {
  for (const file of [...POLICY_FILES, 'audit', 'enforce']) {
    expect(readLockdown(file)).not.toMatch(/paramKind|paramRef|params\./);
  }
});

test('a request that fails in several ways has the first of them in the audit log, and a warning for each', () => {
  const wrong = { ...sessionContainer(), image: 'busybox:1', tty: true };
  const { warnings, annotations } = inForce('audit').review(adding(HALLPASS, [wrong]));
  expect(warnings).toHaveLength(2);
  const [failed] = Object.values(annotations);
  expect(JSON.parse(failed ?? '')).toEqual([
    expect.objectContaining({ message: expect.stringContaining('The image is not') as unknown }),
  ]);
});

describe('who adds debug containers', () => {
  const debug = { name: 'debugger-x', image: 'docker.io/library/busybox:1', command: ['sh'] };

  test('Hallpass does, for a session and for its extensions', () => {
    expect(saidTo(adding(HALLPASS, [sessionContainer()]))).toBe(ALLOWED);
    expect(saidTo(adding(HALLPASS, [sessionContainer({}, 1)], [sessionContainer(), debug]))).toBe(
      ALLOWED,
    );
  });

  test('nobody else does, whatever its name', () => {
    expect(saidTo(adding(MALLORY, [debug]))).toContain('Only Hallpass adds debug containers');
    expect(saidTo(adding(MALLORY, [sessionContainer()]))).toContain('Only Hallpass adds');
    expect(enforced.review(adding(MALLORY, [debug])).refusal?.status).toBe(403);
  });

  test('who adds none is let through: sending what is there again changes nothing', () => {
    expect(saidTo(adding(MALLORY, [], [sessionContainer(), debug]))).toBe(ALLOWED);
  });

  test('people of a break-glass group do, and are reported; but not in the name of a session', () => {
    const { refusal, warnings, annotations } = enforced.review(adding(FIREFIGHTER, [debug]));
    expect(refusal).toBeUndefined();
    expect(warnings.join()).toContain('past Hallpass by a break-glass group, and is reported');
    expect(annotations['hallpass-break-glass/used']).toBe(
      'fran by break-glass: ephemeralcontainers',
    );
    expect(saidTo(adding(FIREFIGHTER, [sessionContainer()]))).toContain('begin with "hallpass-"');
  });

  test('whom Hallpass impersonates does: the group is what tells, with the session beside it', () => {
    const robin = { username: 'hallpass:robin@example.com', groups: ['hallpass:sessions'] };
    const inSession = { ...robin, extra: { 'hallpass.dev/session': ['0123456789abcdef'] } };
    const impersonating = inForce('enforce', { sessionGroups: ['hallpass:sessions'] });
    const ours = sessionContainer();
    expect(saidTo(adding(inSession, [ours]), impersonating)).toBe(ALLOWED);
    expect(saidTo(entering(inSession, ours.name), impersonating)).toBe(ALLOWED);
    // A group of that name can be an issuer's to give, or a certificate's; the session is not.
    for (const extra of [{}, { extra: { 'example.com/a': ['b'] } }]) {
      const stranger = { ...robin, ...extra };
      expect(saidTo(adding(stranger, [ours]), impersonating)).toContain('Only Hallpass adds');
      expect(saidTo(entering(stranger, ours.name), impersonating)).toContain('through Hallpass');
    }
    // Where Hallpass impersonates nobody, nobody is one of them.
    expect(saidTo(adding(inSession, [ours]))).toContain('Only Hallpass adds');
    expect(saidTo(entering(inSession, ours.name))).toContain('through Hallpass');
  });

  test.each(recordedRequests().filter(({ method }) => method === 'PATCH'))(
    'as recorded with a real cluster, $file is refused to anybody else',
    ({ body }) => {
      const added = (body as { spec?: { ephemeralContainers?: object[] } } | undefined)?.spec
        ?.ephemeralContainers;
      const containers = (added ?? [{ name: 'debugger-qr9bz', image: 'busybox' }]).map((it) => ({
        name: '',
        ...it,
      }));
      const adds = containers.length > 0;
      expect(saidTo(adding(MALLORY, containers)) !== ALLOWED).toBe(adds);
    },
  );
});

describe('who enters', () => {
  const ours = sessionContainer().name;

  test.each(['exec', 'attach'] as const)(
    'a container of a session by %s: Hallpass alone',
    (how) => {
      expect(saidTo(entering(HALLPASS, ours, how))).toBe(ALLOWED);
      expect(saidTo(entering(MALLORY, ours, how))).toContain('entered through Hallpass only');
    },
  );

  test('a regular container: whoever may, but not Hallpass', () => {
    for (const container of ['app', undefined]) {
      expect(saidTo(entering(MALLORY, container))).toBe(ALLOWED);
      expect(saidTo(entering(HALLPASS, container))).toContain('and no others');
    }
  });

  test('people of a break-glass group do, and are reported where it is a session’s', () => {
    const { refusal, annotations } = enforced.review(entering(FIREFIGHTER, ours));
    expect(refusal).toBeUndefined();
    expect(annotations['hallpass-break-glass/used']).toBe('fran by break-glass: exec');
    expect(enforced.review(entering(FIREFIGHTER, 'app')).annotations).toEqual({});
  });

  const streams = recordedRequests()
    .map(({ file, path }) => ({ file, url: new URL(path, 'http://api') }))
    .filter(({ url }) => /\/(exec|attach)$/.test(url.pathname));
  test.each(streams)(
    'as recorded with a real cluster, $file: a stranger’s enters no session',
    (it) => {
      const how = it.url.pathname.endsWith('/exec') ? 'exec' : 'attach';
      const container = it.url.searchParams.get('container') ?? undefined;
      expect(saidTo(entering(MALLORY, container, how))).toBe(ALLOWED);
      const session = container?.replace(/^\w+-/, 'hallpass-');
      const isDebug = session?.startsWith('hallpass-') ?? false;
      expect(saidTo(entering(MALLORY, session, how)) !== ALLOWED).toBe(isDebug);
    },
  );
});

describe('what Hallpass adds', () => {
  test.each(WRONG_CONTAINERS)('is refused with $what', ({ change, says }) => {
    const changed = changedContainer(change);
    expect(saidTo(adding(HALLPASS, [changed]))).toContain(says);
    // It is found among others, too.
    expect(saidTo(adding(HALLPASS, [sessionContainer(), changed]))).toContain(says);
  });

  test('is no container without the name of a session', () => {
    const { name: _, ...rest } = sessionContainer();
    expect(saidTo(adding(HALLPASS, [{ name: 'app2', ...rest }]))).toContain('and no others');
  });

  test.each(LIMITS)('keeps to $key where that is refused', ({ key, open, kept }) => {
    const strict = inForce('enforce', {
      limits: { allowed: celList(...ALLOWED_WORDS.filter((it) => it !== key)) },
    });
    const said = (securityContext: DebugProfile['securityContext'], policies = strict) =>
      saidTo(adding(HALLPASS, [sessionContainer({ securityContext })]), policies);
    expect(said(open, enforced)).toBe(ALLOWED);
    expect(said(open)).toContain('policy hallpass-contents');
    expect(said(kept)).toBe(ALLOWED);
  });

  test('has only such variables as are named, and never one that is called as a command', () => {
    const named = inForce('enforce', { limits: { env: celList('TZ', 'date +%s') } });
    const said = (name: string, policies = named) =>
      saidTo(adding(HALLPASS, [sessionContainer({ env: [{ name, value: 'x' }] })]), policies);
    expect(said('TZ')).toBe(ALLOWED);
    expect(said('TZ', enforced)).toContain('policy hallpass-contents (env)');
    expect(said('LANG')).toContain('policy hallpass-contents (env)');
    expect(said('date +%s')).toContain('environment');
  });

  test('may be what kubectl’s profiles are, where the limits allow those', () => {
    const loose = inForce('enforce', {
      limits: {
        allowed: celList(...ALLOWED_WORDS, 'privileged'),
        capabilities: celList('SYS_PTRACE', 'NET_ADMIN', 'NET_RAW'),
      },
    });
    for (const securityContext of Object.values(SECURITY_CONTEXTS)) {
      const facts = adding(HALLPASS, [sessionContainer({ securityContext })]);
      expect(saidTo(facts, loose)).toBe(ALLOWED);
    }
  });

  test('may have the timer of the version before while both are said to be right', () => {
    const upgraded = { choosers: celList('new choose'), holders: celList('new hold') };
    const [, , choose = '', , , , hold = ''] = sessionContainer().command;
    const before = { choosersBefore: celList(choose), holdersBefore: celList(hold) };
    const facts = adding(HALLPASS, [sessionContainer()]);
    expect(saidTo(facts, inForce('enforce', { limits: upgraded }))).toContain('not the timer');
    expect(saidTo(facts, inForce('enforce', { limits: { ...upgraded, ...before } }))).toBe(ALLOWED);
  });
});

/** The names of all that an expression calls. */
function functionsOf(node: ASTNode): string[] {
  const names: string[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(look);
    if (typeof value !== 'object' || value === null || !('op' in value)) return;
    const { op, args } = value as ASTNode;
    if (op === 'call' || op === 'rcall') names.push(String((args as unknown[])[0]));
    look(args);
  };
  look(node);
  return names;
}
