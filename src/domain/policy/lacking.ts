import type { Facts } from './facts.js';
import type { Inquiry } from './inquiry.js';
import { TOO_MUCH_TOGETHER } from './inquiry.js';
import type { AccessPolicy, BreakGlass, TextRule } from './policy.js';
import type { TextPattern } from './condition.js';
import { signInLacks } from './sign-in.rule.js';

/**
 * What a request lacks to meet the terms of an allow, as clauses that complete "The policy would allow it, but …". None:
 * its terms are met.
 */
export function lacking({ terms, patterns }: AccessPolicy, inquiry: Inquiry): string[] {
  const { facts } = inquiry;
  const { request, history } = facts;
  const { perPerson, perPod } = terms.concurrent;
  const lacks: string[] = [];
  if (request.durationSeconds > terms.longestSeconds) {
    lacks.push(
      `it grants ${terms.longestSeconds} seconds at most and ${request.durationSeconds} were asked for`,
    );
  }
  for (const name of ['reason', 'ticket'] as const) {
    const of = { text: request[name], rule: terms[name], pattern: patterns[name] };
    lacks.push(...textLacks(name, of, inquiry));
  }
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
  inquiry: Inquiry,
): string[] {
  if (text === '') return rule.required ? [`it requires a ${name}`] : [];
  const matches = pattern === null || inquiry.matches(pattern, text);
  if (matches === true) return [];
  const why = matches === 'unknown' ? ` (${TOO_MUCH_TOGETHER})` : '';
  return [`its ${name} must match ${pattern?.source}${why}`];
}

function breakGlassLacks(offered: BreakGlass | null, { requester, history }: Facts): string[] {
  if (offered === null) return ['it offers no break-glass'];
  const signIn = signInLacks(offered.signIn, requester);
  const lacks = signIn === undefined ? [] : [`breaking the glass ${signIn}`];
  const { mine, byTeam } = history.overdueReviews;
  // One's own count whatever the terms say: a rule for a team must not let its members forget theirs.
  if (mine > 0) lacks.push(overdueText(mine, 'of yours'));
  if (offered.debt.of === 'team') {
    const { team } = offered.debt;
    const theirs = own(byTeam, team) ?? 0;
    if (theirs > 0) lacks.push(overdueText(theirs, `in the team ${team}`));
  }
  return lacks;
}

function overdueText(count: number, whose: string): string {
  const [reviews, sessions, them] =
    count === 1 ? ['the review', 'session is', 'it'] : ['the reviews', 'sessions are', 'them'];
  return `${reviews} of ${count} earlier break-glass ${sessions} overdue ${whose}: have ${them} reviewed first (GET /v1/reviews?state=overdue)`;
}

function own(counts: Readonly<Record<string, number>>, key: string): number | undefined {
  return Object.hasOwn(counts, key) ? counts[key] : undefined;
}
