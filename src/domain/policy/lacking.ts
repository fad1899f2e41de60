import type { Facts } from './facts.js';
import type { AccessPolicy, BreakGlass, TextRule } from './policy.js';
import type { TextPattern } from './condition.js';

/**
 * What a request lacks to meet the terms of an allow, as clauses that complete "The policy would allow it, but …". None:
 * its terms are met.
 */
export function lacking({ terms, patterns }: AccessPolicy, facts: Facts): string[] {
  const { request, history } = facts;
  const { perPerson, perPod } = terms.concurrent;
  const lacks: string[] = [];
  if (request.durationSeconds > terms.longestSeconds) {
    lacks.push(
      `it grants ${terms.longestSeconds} seconds at most and ${request.durationSeconds} were asked for`,
    );
  }
  lacks.push(
    ...textLacks('reason', { text: request.reason, rule: terms.reason, pattern: patterns.reason }),
  );
  lacks.push(
    ...textLacks('ticket', { text: request.ticket, rule: terms.ticket, pattern: patterns.ticket }),
  );
  if (perPerson !== null && history.mine.open >= perPerson) {
    lacks.push(
      `it allows ${sessions(perPerson)} of one person at once, and you have ${history.mine.open}: end one first`,
    );
  }
  if (perPod !== null && history.target.open >= perPod) {
    lacks.push(
      `it allows ${sessions(perPod)} on one Pod at once, and there ${history.target.open === 1 ? 'is' : 'are'} ${history.target.open}`,
    );
  }
  if (request.breakGlass) lacks.push(...breakGlassLacks(terms.breakGlass, facts));
  return lacks;
}

function sessions(count: number): string {
  return count === 1 ? 'one session' : `${count} sessions`;
}

function textLacks(
  name: 'reason' | 'ticket',
  { text, rule, pattern }: { text: string; rule: TextRule; pattern: TextPattern | null },
): string[] {
  if (text === '') return rule.required ? [`it requires a ${name}`] : [];
  return pattern === null || pattern.matches(text)
    ? []
    : [`its ${name} must match ${pattern.source}`];
}

function breakGlassLacks(offered: BreakGlass | null, { requester, history }: Facts): string[] {
  if (offered === null) return ['it offers no break-glass'];
  const lacks: string[] = [];
  const { acr, amr, maxAgeSeconds } = offered.signIn;
  if (acr.length > 0 && !acr.includes(requester.acr)) {
    lacks.push(
      `breaking the glass needs a sign-in of class ${acr.join(' or ')} (acr): sign in again so`,
    );
  }
  const missing = amr.filter((method) => !requester.amr.includes(method));
  if (missing.length > 0) {
    lacks.push(
      `breaking the glass needs a sign-in with ${missing.join(' and ')} (amr): sign in again so`,
    );
  }
  const age = requester.authAgeSeconds;
  if (maxAgeSeconds !== null && (age === null || age > maxAgeSeconds)) {
    lacks.push(
      `breaking the glass needs a sign-in that is at most ${maxAgeSeconds} seconds old: sign in again`,
    );
  }
  const overdue =
    offered.debt.of === 'person'
      ? history.overdueReviews.mine
      : (own(history.overdueReviews.byTeam, offered.debt.team) ?? 0);
  if (overdue > 0) {
    lacks.push(
      `${overdue === 1 ? 'the review' : `the reviews`} of ${overdue} earlier break-glass ${overdue === 1 ? 'session is' : 'sessions are'} overdue` +
        `${offered.debt.of === 'team' ? ` in the team ${offered.debt.team}` : ''}: have ${overdue === 1 ? 'it' : 'them'} reviewed first`,
    );
  }
  return lacks;
}

function own(counts: Readonly<Record<string, number>>, key: string): number | undefined {
  return Object.hasOwn(counts, key) ? counts[key] : undefined;
}
