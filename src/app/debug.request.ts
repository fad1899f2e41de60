import { durationSeconds } from '../contract/duration.schema.js';
import type { KubeDebugContainer, KubeDebugPatch } from '../contract/kube-debug.schema.js';
import { NewSession } from '../contract/session.schema.js';
import { isImage } from '../domain/policy/image.reference.js';
import type { DebugProfile } from '../domain/policy/policy.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { Ask } from './request-session.js';

/** What is said to Hallpass: by `kubectl debug --env=…` under these names, by `kubectl patch` as these annotations. */
const SAID_BY_ENV = {
  HALLPASS_REASON: 'hallpass/reason',
  HALLPASS_TICKET: 'hallpass/ticket',
  HALLPASS_DURATION: 'hallpass/duration',
  HALLPASS_PROFILE: 'hallpass/profile',
  HALLPASS_BREAK_GLASS: 'hallpass/break-glass',
} as const;

type Variable = keyof typeof SAID_BY_ENV;

const EXAMPLE = '--env=HALLPASS_REASON="orders are stuck"';

export interface DebugTarget {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
}

/** A container that kubectl asks for, as what is asked of Hallpass; a problem says what kubectl is to be told. */
export function askOfPatch(
  patch: KubeDebugPatch,
  target: DebugTarget,
  profiles: readonly DebugProfile[],
): Ask | Problem {
  const container = containerIn(patch);
  const env = saidIn(patch);
  if (isProblem(env)) return env;
  const profile = profileOf(container.image, env.HALLPASS_PROFILE, profiles);
  if (isProblem(profile)) return profile;
  const { HALLPASS_REASON: reason, HALLPASS_TICKET: ticket, HALLPASS_DURATION: length } = env;
  if (reason === undefined) {
    return problem('invalid-request', `Say why you need to get in: ${EXAMPLE}.`);
  }
  const seconds = length === undefined ? undefined : durationSeconds(length);
  if (length !== undefined && seconds === undefined) {
    return problem('invalid-request', 'HALLPASS_DURATION must be a duration such as 30m or 1h30m.');
  }
  const parsed = NewSession.safeParse({
    cluster: target.cluster,
    namespace: target.namespace,
    target: { pod: target.pod },
    profile: profile.name,
    reason,
    ...(container.targetContainerName === undefined
      ? {}
      : { container: container.targetContainerName }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(seconds === undefined ? {} : { durationSeconds: seconds }),
    ...(env.HALLPASS_BREAK_GLASS === 'true' ? { breakGlass: true } : {}),
  });
  if (parsed.success) {
    const { target: _, ...rest } = parsed.data;
    return { ...rest, target: { kind: 'pod', name: target.pod } };
  }
  const errors = parsed.error.issues.map(({ path, message }) => ({
    path: `/${path.join('/')}`,
    message,
  }));
  return problem('invalid-fields', 'This cannot be asked for.', { errors });
}

/** The one container of a patch. */
export function containerIn({ spec }: KubeDebugPatch): KubeDebugContainer {
  return invariant(spec.ephemeralContainers[0], 'a patch without a container');
}

/** What is said by annotations and by the environment, which comes first where both say the same. */
function saidIn(patch: KubeDebugPatch): Partial<Record<Variable, string>> | Problem {
  const { annotations } = patch.metadata;
  const { env } = containerIn(patch);
  const strange = env.find(({ name }) => !Object.hasOwn(SAID_BY_ENV, name));
  if (strange) {
    return problem(
      'invalid-request',
      `The profile decides the environment of the container: --env takes ${Object.keys(SAID_BY_ENV).join(', ')} here, and not ${strange.name.slice(0, 100)}.`,
    );
  }
  const known = Object.entries(SAID_BY_ENV);
  const other = Object.keys(annotations).find((key) => known.every(([, name]) => name !== key));
  if (other !== undefined) {
    return problem(
      'invalid-request',
      `Hallpass annotates no Pod: it reads ${Object.values(SAID_BY_ENV).join(', ')} here, and not ${other.slice(0, 100)}.`,
    );
  }
  const said = known.map(([variable, key]) => [variable, annotations[key]] as const);
  return {
    ...Object.fromEntries(said.filter(([, value]) => value !== undefined)),
    ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
  };
}

function profileOf(
  image: string,
  named: string | undefined,
  profiles: readonly DebugProfile[],
): DebugProfile | Problem {
  const fit = profiles.filter((one) => isImage(image, one.image));
  const [first, ...others] = named === undefined ? fit : fit.filter(({ name }) => name === named);
  if (first && others.length === 0) return first;
  const offers = profiles.map((one) => `${one.name} (--image=${one.image})`).join(', ');
  if (first) {
    return problem(
      'invalid-request',
      `Several profiles have the image ${image.slice(0, 200)}: say which by --env=HALLPASS_PROFILE=NAME: ${fit.map(({ name }) => name).join(', ')}.`,
    );
  }
  return problem(
    'invalid-request',
    `No profile${named === undefined ? '' : ` "${named.slice(0, 63)}"`} has the image ${image.slice(0, 200)}. There are: ${offers === '' ? 'none for you' : offers}.`,
  );
}
