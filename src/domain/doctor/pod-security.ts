import type { DebugProfile, SecurityContext } from '../policy/policy.js';
import type { Judgement } from './finding.js';
import { failure, ok, warning } from './finding.js';

export const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
export type PodSecurityLevel = (typeof LEVELS)[number];

const LABEL = 'pod-security.kubernetes.io/enforce';

/** The level that a namespace enforces; as the API server has it, what is no level counts as the strictest. */
export function enforcedLevel(labels: Readonly<Record<string, string>>): PodSecurityLevel {
  const said = labels[LABEL];
  if (said === undefined) return 'privileged';
  return LEVELS.find((level) => level === said) ?? 'restricted';
}

/** Capabilities that the level `baseline` lets containers add (Pod Security Standards). */
const BASELINE_CAPABILITIES: ReadonlySet<string> = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD'],
  ...['NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);
const SELINUX_TYPES: ReadonlySet<unknown> = new Set([
  ...[undefined, '', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'],
]);

/** What a container's own security context has against it. The Pod around it may have more. */
type Objection = (context: SecurityContext) => string | undefined;

const baseline: readonly Objection[] = [
  (it) => (it['privileged'] === true ? 'it is privileged' : undefined),
  (it) => {
    const added = capabilities(it, 'add').filter((name) => !BASELINE_CAPABILITIES.has(name));
    return added.length === 0 ? undefined : `it adds ${added.join(', ')}`;
  },
  (it) => (typeOf(it, 'seccompProfile') === 'Unconfined' ? 'seccomp is Unconfined' : undefined),
  (it) => (typeOf(it, 'appArmorProfile') === 'Unconfined' ? 'AppArmor is Unconfined' : undefined),
  (it) => {
    const linux = partOf(it, 'seLinuxOptions');
    const isFit = SELINUX_TYPES.has(linux['type']) && !linux['user'] && !linux['role'];
    return isFit ? undefined : 'it sets a SELinux type, user or role';
  },
];

const restricted: readonly Objection[] = [
  ...baseline,
  (it) =>
    it['allowPrivilegeEscalation'] === false ? undefined : 'allowPrivilegeEscalation is not false',
  (it) => (capabilities(it, 'drop').includes('ALL') ? undefined : 'it does not drop ALL'),
  (it) => {
    const added = capabilities(it, 'add').filter((name) => name !== 'NET_BIND_SERVICE');
    return added.length === 0 ? undefined : `it adds ${added.join(', ')}`;
  },
  (it) => (it['runAsNonRoot'] === false ? 'runAsNonRoot is false' : undefined),
  (it) => (it['runAsUser'] === 0 ? 'runAsUser is 0' : undefined),
];

/** What the container may leave to its Pod. */
const leftToPod: readonly Objection[] = [
  (it) => (it['runAsNonRoot'] === true ? undefined : 'runAsNonRoot'),
  (it) => (typeOf(it, 'seccompProfile') === undefined ? 'seccompProfile' : undefined),
];

const BY_LEVEL: Readonly<Record<PodSecurityLevel, readonly Objection[]>> = {
  privileged: [],
  baseline,
  restricted,
};

/** Why a level refuses the debug container of a profile in any Pod; none where it depends on the Pod alone. */
export function objections(
  level: PodSecurityLevel,
  context: SecurityContext | null,
): readonly string[] {
  return [...new Set(BY_LEVEL[level].flatMap((objection) => objection(context ?? {}) ?? []))];
}

/**
 * Whether a namespace lets the profiles in. A level that refuses a profile is wrong only where no other can be had: which
 * policy gives which profile there is policy's own to say.
 */
export function judgePodSecurity(
  labels: Readonly<Record<string, string>>,
  profiles: readonly Pick<DebugProfile, 'name' | 'securityContext'>[],
): Judgement {
  const level = enforcedLevel(labels);
  if (profiles.length === 0) return ok(`it enforces ${level}, and there are no profiles`);
  const refused = profiles.flatMap(({ name, securityContext }) => {
    const why = objections(level, securityContext);
    return why.length === 0 ? [] : [`${name} (${why.join(', ')})`];
  });
  if (refused.length > 0) {
    const judge = refused.length === profiles.length ? failure : warning;
    return judge(
      `it enforces ${level}, which refuses the profiles ${refused.join('; ')}`,
      'offer a profile there that it lets in (securityContext: restricted), or give those to other namespaces alone',
    );
  }
  const leaning =
    level === 'restricted'
      ? profiles.filter(({ securityContext }) => leftToPod.some((it) => it(securityContext ?? {})))
      : [];
  return ok(
    `it enforces ${level}, which lets all ${profiles.length} profiles in${
      leaning.length === 0
        ? ''
        : `; ${leaning.map(({ name }) => name).join(', ')} where the Pod itself sets runAsNonRoot and seccompProfile`
    }`,
  );
}

function partOf(context: SecurityContext, name: string): Readonly<Record<string, unknown>> {
  const part = context[name];
  return typeof part === 'object' && part !== null ? { ...part } : {};
}

function typeOf(context: SecurityContext, name: string): unknown {
  return partOf(context, name)['type'];
}

function capabilities(context: SecurityContext, which: 'add' | 'drop'): readonly string[] {
  const names = partOf(context, 'capabilities')[which];
  return Array.isArray(names) ? names.map(String) : [];
}
