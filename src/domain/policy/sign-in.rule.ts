import type { RequesterFacts } from './facts.js';

/** How strongly somebody must have signed in. No entry, no demand. */
export interface SignInRule {
  /** One of these context classes (`acr`). */
  readonly acr: readonly string[];
  /** All of these methods (`amr`, RFC 8176). */
  readonly amr: readonly string[];
  readonly maxAgeSeconds: number | null;
}

/** What is known of how somebody signed in. */
export type SignInFacts = Pick<RequesterFacts, 'acr' | 'amr' | 'authAgeSeconds'>;

/**
 * The parameters of OpenID Connect (Core 1.0 §3.1.2.1) by which a client asks for a sign-in that meets the rule, all of
 * them: a new one must meet what the last one met as well.
 */
export function signInParameters({
  acr,
  maxAgeSeconds,
}: Pick<SignInRule, 'acr' | 'maxAgeSeconds'>): Readonly<
  Partial<Record<'acr_values' | 'max_age', string>>
> {
  return {
    ...(acr.length === 0 ? {} : { acr_values: acr.join(' ') }),
    ...(maxAgeSeconds === null ? {} : { max_age: `${maxAgeSeconds}` }),
  };
}

/**
 * What a sign-in lacks to meet the rule, and how a better one is asked for, as the end of a sentence: "needs a sign-in …".
 * Undefined where it meets the rule.
 */
export function signInLacks(rule: SignInRule, facts: SignInFacts): string | undefined {
  const { acr, amr, maxAgeSeconds } = rule;
  const { acr: mine, amr: methods, authAgeSeconds: age } = facts;
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
  if (lacks.length === 0) return undefined;
  const { acr_values: classes, max_age: seconds } = signInParameters(rule);
  const parameters = [
    ...(classes === undefined ? [] : [`acr_values="${classes}"`]),
    ...(seconds === undefined ? [] : [`max_age=${seconds}`]),
  ];
  const how = parameters.length === 0 ? 'so' : `with ${parameters.join(' and ')}`;
  return `needs a sign-in ${lacks.join(', ')}: sign in again ${how}`;
}
