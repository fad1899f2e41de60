import type { Facts, RequesterFacts } from './facts.js';
import type { Inquiry } from './inquiry.js';
import { TOO_MUCH_TOGETHER } from './inquiry.js';
import type { AccessPolicy, BreakGlass, TextRule } from './policy.js';
import type { TextPattern } from './condition.js';

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
  const lacks = signInLacks(offered.signIn, requester);
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

/**
 * One clause for all that a sign-in lacks, with the parameters of OpenID Connect (Core 1.0 §3.1.2.1) by which a client
 * asks for a better one, all of them: a new sign-in must meet what this one met as well.
 */
function signInLacks(
  { acr, amr, maxAgeSeconds }: BreakGlass['signIn'],
  { acr: mine, amr: methods, authAgeSeconds: age }: RequesterFacts,
): string[] {
  const lacks: string[] = [];
  if (acr.length > 0 && !acr.includes(mine)) {
    lacks.push(
      `of class ${acr.join(' or ')} (acr; yours ${mine === '' ? 'has none' : `is ${mine}`})`,
    );
  }
  const missing = amr.filter((method) => !methods.includes(method));
  if (missing.length > 0) lacks.push(`by ${missing.join(' and ')} (amr)`);
  if (maxAgeSeconds !== null && (age === null || age > maxAgeSeconds)) {
    lacks.push(
      `${maxAgeSeconds} seconds ago at most (auth_time; yours ${age === null ? 'has none' : `was ${age} seconds ago`})`,
    );
  }
  if (lacks.length === 0) return [];
  const parameters = [
    ...(acr.length === 0 ? [] : [`acr_values="${acr.join(' ')}"`]),
    ...(maxAgeSeconds === null ? [] : [`max_age=${maxAgeSeconds}`]),
  ];
  const how = parameters.length === 0 ? 'so' : `with ${parameters.join(' and ')}`;
  return [`breaking the glass needs a sign-in ${lacks.join(', ')}: sign in again ${how}`];
}

function own(counts: Readonly<Record<string, number>>, key: string): number | undefined {
  return Object.hasOwn(counts, key) ? counts[key] : undefined;
}
