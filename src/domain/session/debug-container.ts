import type { DebugProfile } from '../policy/policy.js';
import type { DebugContainer, Session } from './session.js';

/** How container names of ours begin; what follows is the session's id. */
export const CONTAINER_PREFIX = 'hallpass-';

/** The environment variable that says which session a container is of. */
export const SESSION_VARIABLE = 'HALLPASS_SESSION';

/**
 * The name of a session's container, or of the one of its nth extension: a DNS label (RFC 1123) that nobody else would
 * choose. A name is never used twice, for a container of a Pod cannot be taken out of it again.
 */
export function containerName(session: Pick<Session, 'id'>, extension = 0): string {
  return `${CONTAINER_PREFIX}${session.id}${extension === 0 ? '' : `-${extension + 1}`}`;
}

/** For how long a container of the session holds. */
export function holdSeconds(
  { request }: Pick<Session, 'request'>,
  container: Pick<DebugContainer, 'durationSeconds'> | null,
): number {
  return container?.durationSeconds ?? request.durationSeconds;
}

/** All containers of the session that may run or come to run, its own first. */
export function containersOf(session: Session): readonly DebugContainer[] {
  const { container, extension, formerContainers } = session;
  return [
    ...(container ? [container] : []),
    ...(extension ? [extension.container] : []),
    ...formerContainers.map((it) => it.container),
  ];
}

/** An ephemeral container as Kubernetes takes it (core/v1 EphemeralContainer). */
export interface EphemeralContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: DebugProfile['imagePullPolicy'];
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly stdin: true;
  readonly stdinOnce: false;
  readonly tty: false;
  readonly targetContainerName?: string;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly terminationMessagePolicy: 'File';
}

/**
 * The container of a session: a pure function of what is stored, so that sending it twice is sending the same. The
 * session is named in the environment because a patch of this subresource cannot carry labels or annotations.
 */
export function ephemeralContainer(args: {
  readonly session: Session;
  readonly profile: DebugProfile;
  readonly container: DebugContainer;
  readonly command: readonly string[];
}): EphemeralContainerSpec {
  const { session, profile, container } = args;
  const startBySecond = Math.ceil(container.startBy.getTime() / 1000);
  const notAfter = startBySecond + holdSeconds(session, container);
  return {
    name: container.name,
    image: container.image,
    imagePullPolicy: profile.imagePullPolicy,
    command: args.command,
    env: [
      ...profile.env,
      { name: SESSION_VARIABLE, value: session.id },
      { name: 'HALLPASS_NOT_AFTER', value: String(notAfter) },
    ],
    stdin: true,
    stdinOnce: false,
    tty: false,
    terminationMessagePolicy: 'File',
    ...(session.request.container === undefined
      ? {}
      : { targetContainerName: session.request.container }),
    ...(profile.securityContext === null ? {} : { securityContext: profile.securityContext }),
  };
}
