import type { ASTNode } from '@marcbachmann/cel-js';
import { parse } from '@marcbachmann/cel-js';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { AdmissionPolicies } from '../../sandbox/cluster/admission.policies.js';
import { AdmissionPolicy } from '../../sandbox/cluster/admission.schema.js';
import type { DebugProfile } from '../../src/domain/policy/policy.js';
import { SECURITY_CONTEXTS } from '../../src/domain/policy/debug-profiles.js';
import { recordedRequests } from '../support/audit.entries.js';
import { POLICY_FILES, lockdownTexts, readLockdown } from './lockdown.files.js';
import type { LockdownValues } from './lockdown.files.js';
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
  const limits = { images: `${DIGEST}\n`, ...values.limits };
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
  type Changed = (spec: Record<string, unknown>) => object;
  const env = (name: string, value: unknown) => ({ name, value });
  const wrong: readonly {
    readonly what: string;
    readonly change: Changed;
    readonly says: string;
  }[] = [
    {
      what: 'another digest',
      change: () => ({ image: DIGEST.replace('ab', 'cd') }),
      says: 'image',
    },
    {
      what: 'a tag',
      change: () => ({ image: 'registry.example.com/debug/tools:1' }),
      says: 'image',
    },
    { what: 'no command', change: () => ({ command: undefined }), says: 'not the timer' },
    {
      what: 'a shell for command',
      change: () => ({ command: ['/bin/sh'] }),
      says: 'not the timer',
    },
    { what: 'more arguments', change: () => ({ args: ['-x'] }), says: 'not the timer' },
    { what: 'a timer that does not hold', change: words(6, 'exit 0'), says: 'not the timer' },
    { what: 'a chooser of its own', change: words(2, 'sleep 9999'), says: 'not the timer' },
    { what: 'another shell', change: words(0, '/tmp/sh'), says: 'shells and timer.* in' },
    { what: 'a time that is no number', change: words(5, '$(id)'), says: 'not the timer' },
    { what: 'too long a time', change: words(5, '999999'), says: 'for longer than is allowed' },
    { what: 'no session', change: () => ({ env: [] }), says: 'does not name its session' },
    {
      what: 'another session',
      change: (spec) => ({ env: [env('HALLPASS_SESSION', '0'.repeat(16)), ...rest(spec, 0)] }),
      says: 'does not name its session',
    },
    {
      what: 'two sessions',
      change: (spec) => ({ env: [...rest(spec), env('HALLPASS_SESSION', '0'.repeat(16))] }),
      says: 'does not name its session',
    },
    { what: 'a name of its own', change: () => ({ name: 'hallpass-x' }), says: 'its session' },
    {
      what: 'a secret in its environment',
      change: (spec) => ({
        env: [...rest(spec), { name: 'X', valueFrom: { secretKeyRef: { name: 'db', key: 'p' } } }],
      }),
      says: 'environment',
    },
    {
      what: 'secrets in its environment',
      change: () => ({ envFrom: [{ secretRef: { name: 'db' } }] }),
      says: 'environment',
    },
    {
      what: 'a library before its shell',
      change: (spec) => ({ env: [...rest(spec), env('LD_PRELOAD', '/tmp/x.so')] }),
      says: 'environment',
    },
    {
      what: 'a variable that bounds the functions of its shell',
      change: (spec) => ({ env: [...rest(spec), env('FUNCNEST', '1')] }),
      says: 'environment',
    },
    {
      // Kubernetes puts it in the place of what the timer has for a command, in the text that was compared.
      what: 'a variable that is called as a command of the timer',
      change: (spec) => ({ env: [...rest(spec), env('date +%s', '0; exec sh; #')] }),
      says: 'environment',
    },
    {
      what: 'volumes',
      change: () => ({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      says: 'volumes',
    },
    {
      // The kubelet mounts a file there, which the container may write.
      what: 'a file in the place of another',
      change: () => ({ terminationMessagePath: '/etc/ld.so.preload' }),
      says: 'another message file',
    },
    { what: 'a terminal', change: () => ({ tty: true }), says: 'standard input' },
    { what: 'no standard input', change: () => ({ stdin: false }), says: 'standard input' },
    { what: 'privilege', change: context({ privileged: true }), says: 'beyond the limits' },
    { what: 'an unmasked /proc', change: context({ procMount: 'Unmasked' }), says: 'limits' },
    {
      what: 'a host process',
      change: context({ windowsOptions: { hostProcess: true } }),
      says: 'limits',
    },
    {
      what: 'a capability',
      change: context({ capabilities: { add: ['SYS_PTRACE', 'SYS_ADMIN'] } }),
      says: 'capability',
    },
    {
      what: 'no seccomp',
      change: context({ seccompProfile: { type: 'Unconfined' } }),
      says: 'unconfined',
    },
    {
      what: 'no AppArmor',
      change: context({ appArmorProfile: { type: 'Unconfined' } }),
      says: 'unconfined',
    },
  ];
  test.each(wrong)('is refused with $what', ({ change, says }) => {
    const spec = { ...sessionContainer() };
    const changed = JSON.parse(JSON.stringify({ ...spec, ...change(spec) })) as object;
    expect(saidTo(adding(HALLPASS, [changed]))).toContain(says);
    // It is found among others, too.
    expect(saidTo(adding(HALLPASS, [sessionContainer(), changed]))).toContain(says);
  });

  test('is no container without the name of a session', () => {
    const { name: _, ...rest } = sessionContainer();
    expect(saidTo(adding(HALLPASS, [{ name: 'app2', ...rest }]))).toContain('and no others');
  });

  const limits: readonly {
    readonly key: string;
    readonly open: DebugProfile['securityContext'];
    readonly kept: DebugProfile['securityContext'];
  }[] = [
    { key: 'root', open: { runAsUser: 0 }, kept: { runAsUser: 1000 } },
    { key: 'root', open: null, kept: { runAsNonRoot: true } },
    {
      key: 'privilegeEscalation',
      open: { runAsUser: 1 },
      kept: { allowPrivilegeEscalation: false },
    },
    { key: 'writableRoot', open: null, kept: { readOnlyRootFilesystem: true } },
    { key: 'defaultCapabilities', open: null, kept: { capabilities: { drop: ['ALL'] } } },
  ];
  test.each(limits)('keeps to $key where that is refused', ({ key, open, kept }) => {
    const strict = inForce('enforce', { limits: { [key]: 'refused' } });
    const said = (securityContext: DebugProfile['securityContext'], policies = strict) =>
      saidTo(adding(HALLPASS, [sessionContainer({ securityContext })]), policies);
    expect(said(open, enforced)).toBe(ALLOWED);
    expect(said(open)).toContain('ConfigMap hallpass-lockdown');
    expect(said(kept)).toBe(ALLOWED);
  });

  test('has only such variables as are named, and never one that is called as a command', () => {
    const named = inForce('enforce', { limits: { env: 'TZ\ndate +%s\n' } });
    const said = (name: string, policies = named) =>
      saidTo(adding(HALLPASS, [sessionContainer({ env: [{ name, value: 'x' }] })]), policies);
    expect(said('TZ')).toBe(ALLOWED);
    expect(said('TZ', enforced)).toContain('ConfigMap hallpass-lockdown (env)');
    expect(said('LANG')).toContain('ConfigMap hallpass-lockdown (env)');
    expect(said('date +%s')).toContain('environment');
  });

  test('may be what kubectl’s profiles are, where the limits allow those', () => {
    const loose = inForce('enforce', {
      limits: { privileged: 'allowed', capabilities: 'SYS_PTRACE\n NET_ADMIN\nNET_RAW\n' },
    });
    for (const securityContext of Object.values(SECURITY_CONTEXTS)) {
      const facts = adding(HALLPASS, [sessionContainer({ securityContext })]);
      expect(saidTo(facts, loose)).toBe(ALLOWED);
    }
  });

  test('may have the timer of the version before while both are said to be right', () => {
    const upgraded = { 'timer.choose': 'new choose', 'timer.hold': 'new hold' };
    const [, , choose = '', , , , hold = ''] = sessionContainer().command;
    const before = { 'timer.choose.before': choose, 'timer.hold.before': hold };
    const facts = adding(HALLPASS, [sessionContainer()]);
    expect(saidTo(facts, inForce('enforce', { limits: upgraded }))).toContain('not the timer');
    expect(saidTo(facts, inForce('enforce', { limits: { ...upgraded, ...before } }))).toBe(ALLOWED);
  });

  test('is refused where nobody says what is allowed; while auditing, it is let through', () => {
    const facts = adding(HALLPASS, [sessionContainer()]);
    const without = (mode: 'audit' | 'enforce') => {
      const policies = new AdmissionPolicies();
      policies.use(
        ...lockdownTexts(mode).filter((text) => !text.includes('kind: ConfigMap\nmetadata')),
      );
      return saidTo(facts, policies);
    };
    expect(without('enforce')).toContain('no params found');
    expect(without('audit')).toBe(ALLOWED);
  });
});

/** One word of the command replaced. */
function words(at: number, word: string) {
  return ({ command }: Record<string, unknown>) => ({
    command: (command as string[]).map((it, index) => (index === at ? word : it)),
  });
}

function context(securityContext: object) {
  return () => ({ securityContext });
}

function rest({ env }: Record<string, unknown>, without?: number): object[] {
  return (env as object[]).filter((_, index) => index !== without);
}

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
