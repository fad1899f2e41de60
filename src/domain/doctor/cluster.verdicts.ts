import type { PodSubresources, ServerVersion } from '../cluster.support.js';
import { canAddContainers, isTooOld, MINOR_MIN, minorOf } from '../cluster.support.js';
import type { DebugProfile } from '../policy/policy.js';
import type { Judgement } from './finding.js';
import { failure, listed, ok, Unseen, unknown, warning } from './finding.js';

const WEBSOCKETS_V5_MINOR = 29;

/** An API server that does not even tell its version has no sessions. */
export function judgeVersion(found: ServerVersion | Unseen): Judgement {
  if (found instanceof Unseen) return failure(found.why, found.advice);
  const { gitVersion } = found;
  if (Number.isNaN(minorOf(found))) {
    return unknown(
      new Unseen(`it says that it is ${gitVersion}, which is no version`, 'see what answers there'),
    );
  }
  return isTooOld(found)
    ? failure(
        `it is Kubernetes ${gitVersion}, which has no ephemeral containers that can be relied on`,
        `update the cluster to 1.${MINOR_MIN} or later`,
      )
    : ok(`it is Kubernetes ${gitVersion}`);
}

/** What discovery has. */
export interface ApiFacts {
  readonly version: ServerVersion;
  /** The subresources of Pods, with their verbs. */
  readonly subresources: PodSubresources;
  /** Whether there is `admissionregistration.k8s.io/v1` with ValidatingAdmissionPolicy. */
  readonly admissionPolicies: boolean | Unseen;
}

/** `exec` by a WebSocket of version 5 cannot be asked for without a Pod: it goes by the version of the server. */
export function judgeApi(found: ApiFacts | Unseen): Judgement {
  if (found instanceof Unseen) return unknown(found);
  const { version, subresources, admissionPolicies } = found;
  if (!canAddContainers(subresources)) {
    return failure(
      'it has no subresource pods/ephemeralcontainers that can be patched',
      'switch the feature gate EphemeralContainers on, or update the cluster: no session can start',
    );
  }
  if (!subresources.has('exec')) {
    return failure('it has no pods/exec', 'see what stands before the API server: nobody gets in');
  }
  if (admissionPolicies instanceof Unseen) return unknown(admissionPolicies);
  const lacks = [
    ...(minorOf(version) < WEBSOCKETS_V5_MINOR
      ? ['WebSockets of version 5, so that the end of input is not told to commands']
      : []),
    ...(admissionPolicies
      ? []
      : ['ValidatingAdmissionPolicy v1, so that the lock-down kit cannot be used']),
  ];
  return lacks.length === 0
    ? ok('it has ephemeral containers, WebSockets of version 5 and ValidatingAdmissionPolicy')
    : warning(`it lacks ${lacks.join(' and ')}`, 'update the cluster to 1.30 or later');
}

const SKEW_WARNING_MS = 2_000;
const SKEW_FAILURE_MS = 60_000;

/** When somebody's clock was read, and when that was here: before it was asked, and after it had answered. */
export interface ClockReading {
  readonly thereMs: number;
  readonly askedMs: number;
  readonly answeredMs: number;
  /** How fine it is told: a Date header has whole seconds. */
  readonly grainMs: number;
}

/** How far a clock is from ours at least, whatever the way took: ahead where above 0. */
export function skewMs({ thereMs, askedMs, answeredMs, grainMs }: ClockReading): number {
  if (thereMs > answeredMs) return thereMs - answeredMs;
  return Math.min(0, thereMs + grainMs - askedMs);
}

export function judgeClock(found: ClockReading | Unseen): Judgement {
  if (found instanceof Unseen) return unknown(found);
  const skew = skewMs(found);
  const distance = Math.abs(skew);
  if (distance <= SKEW_WARNING_MS) return ok('its clock is within 2 s of the one here');
  const seen = `its clock is ${(distance / 1_000).toFixed(1)} s ${skew > 0 ? 'ahead of' : 'behind'} the one here`;
  const advice =
    'have both keep time by NTP: deadlines are absolute, so that sessions end early or late by as much';
  return distance > SKEW_FAILURE_MS ? failure(seen, advice) : warning(seen, advice);
}

/** The name of what holds an image, without the rest. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io';
}

/**
 * Whether the image of a profile is one image, and has been had lately.
 *
 * @param pullFailures how many starts failed lately since it could not be had.
 */
export function judgeImage(
  { image }: Pick<DebugProfile, 'image'>,
  pullFailures: number | Unseen,
): Judgement {
  const registry = registryOf(image);
  if (typeof pullFailures === 'number' && pullFailures > 0) {
    return failure(
      `${pullFailures} ${pullFailures === 1 ? 'start' : 'starts'} of the last week failed since ${image} could not be had from ${registry}`,
      'look at its name, and at how the nodes reach the registry and sign in to it (the Pod’s imagePullSecrets are used)',
    );
  }
  if (!/@sha256:[0-9a-f]{64}$/.test(image)) {
    return warning(
      `${image} is named by a tag, which somebody can move at ${registry}`,
      'name it by digest (…@sha256:…)',
    );
  }
  if (pullFailures instanceof Unseen) return unknown(pullFailures);
  return ok(`it is named by digest, at ${registry}, and no start of the last week failed for it`);
}

/** A policy of admission, and what bindings have it do. */
export interface AdmissionPolicyFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of each of its bindings. */
  readonly actions: readonly (readonly string[])[];
}

/** What the names of the kit's policies end with: each file of deploy/lockdown with a policy in it. */
export const KIT_POLICIES = ['adding', 'entering', 'contents', 'break-glass'] as const;
/** Only reports: it may only report, and be left out where there are no such groups. */
const REPORTS_ONLY = 'break-glass';

/** The policy of the kit that this one is; the chart names them after its release, and labels them. */
function kitPolicyOf({ name, labels }: AdmissionPolicyFacts): string | undefined {
  const isOurs = name.includes('hallpass') || labels['app.kubernetes.io/component'] === 'lockdown';
  return isOurs ? KIT_POLICIES.find((kind) => name.endsWith(`-${kind}`)) : undefined;
}

export function judgeLockDown(all: readonly AdmissionPolicyFacts[] | Unseen): Judgement {
  if (all instanceof Unseen) return unknown(all);
  const found = all.filter((it) => kitPolicyOf(it) !== undefined);
  if (found.length === 0) {
    return warning(
      'there is no policy of the lock-down kit',
      'install it, in the mode audit first: without it only RBAC keeps others from adding and entering debug containers',
    );
  }
  const unbound = found.filter(({ actions }) => actions.length === 0).map(({ name }) => name);
  if (unbound.length > 0) {
    return failure(
      `${listed(unbound)} ${unbound.length === 1 ? 'has' : 'have'} no binding, and so no effect`,
      'install the bindings of the kit',
    );
  }
  const missing = KIT_POLICIES.filter(
    (kind) => kind !== REPORTS_ONLY && !found.some((it) => kitPolicyOf(it) === kind),
  );
  if (missing.length > 0) {
    return warning(
      `of the lock-down kit there is ${listed(found.map(({ name }) => name))}, and no policy for ${listed(missing)}`,
      'install the rest of deploy/lockdown: each closes another way',
    );
  }
  const lax = found
    .filter((it) => kitPolicyOf(it) !== REPORTS_ONLY && !it.actions.flat().includes('Deny'))
    .map(({ name }) => name);
  return lax.length === 0
    ? ok(`${listed(found.map(({ name }) => name))} ${found.length === 1 ? 'is' : 'are'} enforced`)
    : warning(
        `${listed(lax)} ${lax.length === 1 ? 'only reports' : 'only report'} what should be stopped`,
        'enforce them once nobody is reported any more',
      );
}

const HEARD_FAILURE_MS = 24 * 3_600_000;

/** @param heardAt when the audit log of a cluster was last heard of; null: never. */
export function judgeHeard(heardAt: Date | null | Unseen, now: Date): Judgement {
  if (heardAt instanceof Unseen) return unknown(heardAt);
  const advice =
    'see that the API server runs with the audit webhook (or that the log file grows): docs/bypass.md';
  if (heardAt === null) return warning('nothing was heard of it yet', advice);
  const ms = now.getTime() - heardAt.getTime();
  return ms > HEARD_FAILURE_MS
    ? failure(`it was last heard of at ${heardAt.toISOString()}`, advice)
    : ok(`it was last heard of at ${heardAt.toISOString()}`);
}
