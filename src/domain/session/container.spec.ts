import { createHash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical.js';
import { invariant } from '../problem.js';
import { timerCommand } from '../timebox/timer.js';
import type { EphemeralContainerSpec } from './debug-container.js';
import { ephemeralContainer, holdSeconds } from './debug-container.js';
import type { DebugContainer, Session } from './session.js';

/**
 * A spec that is larger than this in canonical JSON is told by its digest: an event has 65,535 bytes, and a profile may
 * have a hundred long variables. What is frozen on the session makes the same spec again, so that nothing is lost.
 */
export const SPEC_BYTES_MAX = 16_384;

/** What is sent to the cluster for a container of the session: the same however often it is made. */
export function containerSpec(session: Session, container: DebugContainer): EphemeralContainerSpec {
  const { profile } = invariant(session.grant, 'a session with a container but no grant');
  return ephemeralContainer({
    session,
    profile,
    container,
    command: timerCommand({
      shell: profile.shell,
      startByEpochSeconds: Math.floor(container.startBy.getTime() / 1000),
      durationSeconds: holdSeconds(session, container),
    }),
  });
}

/** A spec as an event tells it: whole where that is not too large, and always by the SHA-256 of its canonical JSON. */
export interface SpecTold {
  readonly sha256: string;
  readonly bytes: number;
  readonly spec?: EphemeralContainerSpec;
}

export function specTold(spec: EphemeralContainerSpec): SpecTold {
  const json = Buffer.from(canonicalJson(spec));
  const sha256 = createHash('sha256').update(json).digest('hex');
  return { sha256, bytes: json.length, ...(json.length > SPEC_BYTES_MAX ? {} : { spec }) };
}
