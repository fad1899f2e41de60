import type { BrokenGlassNews } from '../contract/news.schema.js';
import { invariant } from '../domain/problem.js';
import { toldOfBrokenGlass } from '../domain/review/review.js';
import type { Step } from './ports/session.store.js';
import { personView } from './views/person.view.js';

/**
 * What others are told of a step: what it was; who reads it looks the session up. Broken glass is urgent, so its news
 * says all that a notifier needs, as it was at that moment.
 */
export function newsOf(step: Step): Record<string, unknown> {
  const { session, from, event, audit } = step;
  return {
    event,
    from,
    to: session.state,
    audit: audit.id,
    breakGlass: session.request.breakGlass,
    ...(event === 'break-glass' ? { brokenGlass: brokenGlass(step) } : {}),
  };
}

function brokenGlass({ session, debt }: Step): BrokenGlassNews['brokenGlass'] {
  const { requester, request, pin } = session;
  const grant = invariant(session.grant, 'glass broken that no rule let be broken');
  const people = toldOfBrokenGlass(grant);
  return {
    who: { iss: requester.iss, ...personView(requester) },
    target: {
      cluster: request.cluster,
      namespace: request.namespace,
      pod: pin?.podName ?? request.target.name,
      container: request.container ?? null,
    },
    profile: request.profile,
    durationSeconds: request.durationSeconds,
    rule: grant.rule,
    reason: request.reason,
    ticket: request.ticket ?? null,
    tell: { groups: [...people.groups], users: [...people.users] },
    reviewDueAt: invariant(debt, 'glass broken without a debt').dueAt.toISOString(),
  };
}
