import type { AdmissionFacts } from '../../sandbox/cluster/admission.cel.js';
import type { EphemeralContainerSpec } from '../../src/domain/session/debug-container.js';
import { containerName } from '../../src/domain/session/debug-container.js';
import { containerSpec } from '../../src/domain/session/container.spec.js';
import type { DebugProfile } from '../../src/domain/policy/policy.js';
import { ACCOUNT } from '../support/audit.entries.js';
import { grantOf, newSession, PROFILE } from '../support/sessions.js';

export const DIGEST = `registry.example.com/debug/tools@sha256:${'ab'.repeat(32)}`;

/** Who asks. */
export const HALLPASS = { username: ACCOUNT, groups: ['system:serviceaccounts'] };
export const MALLORY = { username: 'mallory', groups: ['developers', 'system:authenticated'] };
export const FIREFIGHTER = { username: 'fran', groups: ['firefighters', 'system:authenticated'] };
export type Asker = AdmissionFacts['request']['userInfo'];

/** The container of a session, exactly as it is sent to a cluster. */
export function sessionContainer(
  profile: Partial<DebugProfile> = {},
  extension = 0,
): EphemeralContainerSpec {
  const grant = { ...grantOf('policies'), profile: { ...PROFILE, image: DIGEST, ...profile } };
  const session = newSession({ grant });
  return containerSpec(session, {
    name: containerName(session, extension),
    image: DIGEST,
    startBy: new Date('2026-11-28T12:00:00.250Z'),
  });
}

const pod = (containers: readonly object[]) => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    containers: [{ name: 'app', image: 'docker.io/library/app:1' }],
    ...(containers.length === 0 ? {} : { ephemeralContainers: containers }),
  },
});

/** A Pod's list of ephemeral containers, which had `before`, is patched to have `added` as well. */
export function adding(
  by: Asker,
  added: readonly object[],
  before: readonly object[] = [],
): AdmissionFacts {
  return {
    object: pod([...added, ...before]),
    oldObject: pod(before),
    request: requestOf(by, 'UPDATE', 'ephemeralcontainers'),
  };
}

/** A container is entered; none is named where it is undefined. */
export function entering(
  by: Asker,
  container: string | undefined,
  how: 'exec' | 'attach' = 'exec',
): AdmissionFacts {
  return {
    object: {
      stdin: true,
      stdout: true,
      ...(how === 'exec' ? { command: ['sh'] } : {}),
      ...(container === undefined ? {} : { container }),
    },
    oldObject: null,
    request: requestOf(by, 'CONNECT', how),
  };
}

function requestOf(
  userInfo: Asker,
  operation: 'UPDATE' | 'CONNECT',
  subResource: string,
): AdmissionFacts['request'] {
  const resource = { group: '', version: 'v1', resource: 'pods' };
  return { operation, name: 'web', namespace: 'shop', resource, subResource, userInfo };
}
