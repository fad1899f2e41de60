import type { OnCallSource } from '../domain/policy/on-call-source.js';
import { STEPS_A_DECISION } from '../domain/policy/inquiry.js';
import type { PolicySet } from '../domain/policy/policy.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Journal } from './ports/journal.js';
import type { MissingSecret } from './ports/on-call.js';

/** Warns operators of what is no error in the documents of a set, and yet does nothing here, as this broker is configured. */
export function tellOddities(args: {
  readonly set: PolicySet;
  readonly onCall: {
    missingSecrets(sources: readonly OnCallSource[]): readonly MissingSecret[];
  };
  readonly journal: Pick<Journal, 'warn'>;
  readonly bounds: Pick<Bounds, 'pendingLapseSeconds'>;
}): void {
  const { set, onCall, journal, bounds } = args;
  for (const { source, secret } of onCall.missingSecrets(set.onCallSources)) {
    journal.warn(
      { source, secret },
      'an on-call source has no secret for its host: nobody is known to be on call by it',
    );
  }
  const dearest = set.index.dearest();
  if (dearest.steps > STEPS_A_DECISION) {
    journal.warn(
      { ...dearest, stepsAtMost: STEPS_A_DECISION },
      'the conditions of policies may take too long together, and then nobody is let in who is asked all of them: make them cheaper, or match fewer requests by each policy',
    );
  }
  const lapseSeconds = bounds.pendingLapseSeconds;
  for (const { name, terms } of set.policies) {
    if ((terms.approvals.escalation?.afterSeconds ?? 0) < lapseSeconds) continue;
    journal.warn(
      { policy: name, lapseSeconds },
      'a policy asks more people only when its sessions have lapsed already: they are not asked in time',
    );
  }
}
