import type { DebugProfile } from '../policy/policy.js';
import type { Session } from './session.js';

/** How container names of ours begin; what follows is the session's id. */
export const CONTAINER_PREFIX = 'hallpass-';

/** The name of a session's container: a DNS label (RFC 1123) that nobody else would choose. */
export function containerName(session: Pick<Session, 'id'>): string {
  return `${CONTAINER_PREFIX}${session.id}`;
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
  readonly name: string;
  readonly startBy: Date;
  readonly command: readonly string[];
}): EphemeralContainerSpec {
  const { session, profile } = args;
  const notAfter = Math.ceil(args.startBy.getTime() / 1000) + session.request.durationSeconds;
  return {
    name: args.name,
    image: profile.image,
    imagePullPolicy: profile.imagePullPolicy,
    command: args.command,
    env: [
      ...profile.env,
      { name: 'HALLPASS_SESSION', value: session.id },
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
