/** How a check ended, from good to bad. `unknown`: it could not be looked at, which is never `ok`. */
export const VERDICTS = ['ok', 'unknown', 'warning', 'failure'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One row of what the doctor found. */
export interface Finding {
  readonly check: CheckName;
  /** What was looked at: a cluster and a namespace, a file, an address. */
  readonly on: string;
  readonly verdict: Verdict;
  /** One sentence: what was seen. Never a secret. */
  readonly seen: string;
  /** One sentence: what to do about it; null where there is nothing to do. */
  readonly advice: string | null;
}

/** What a verdict function says; where it was looked is known to who asked. */
export type Judgement = Pick<Finding, 'verdict' | 'seen' | 'advice'>;

/** What could not be looked at, and why, as a sentence. */
export class Unseen {
  constructor(
    readonly why: string,
    readonly advice: string,
  ) {}
}

/** The checks, in the order of the table, and what each looks at. docs/doctor.md explains each of them. */
export const CHECKS = {
  configuration: 'Whether the configuration can be read whole, the files that it names included.',
  policies: 'Whether the policy documents can be loaded.',
  rights: 'Whether Hallpass’s account has every right that it needs, in each namespace.',
  'rights-beyond': 'Whether its account may do more than it needs.',
  'ways-around': 'Who else could do in the cluster what Hallpass governs.',
  kubernetes: 'Whether the API server is of a version that Hallpass works with.',
  'kubernetes-api': 'Whether the API has what Hallpass and the lock-down kit need.',
  'pod-security': 'Whether Pod Security lets the profiles of the policies into each namespace.',
  containers: 'Whether debug containers run there of which the database knows nothing.',
  images: 'Whether the images of the profiles are named by digest, and whether they were had.',
  clock: 'How far the clocks of others are from the one here.',
  database: 'Whether the database answers, is new enough, and has the schema of this program.',
  'database-role': 'Whether the role that serves has no right that would undo the audit log.',
  'database-triggers': 'Whether the triggers that protect the audit log are switched on.',
  'signing-keys': 'Whether the keys that sign the audit log can be read, by nobody else.',
  certificate: 'Whether the certificate that Hallpass serves with is valid, and for how long.',
  anchors: 'Whether each anchor can be reached, and agrees with the database.',
  slack: 'Whether Slack takes the tokens, for the right workspace, with the scopes needed.',
  'slack-channel': 'Whether the security channel can be seen.',
  issuer: 'Whether the issuer’s discovery document and keys can be had, and fit.',
  channels: 'Whether the notification channels can be reached.',
  sinks: 'Whether the sinks of the audit log can be reached.',
  traces: 'Whether the collector of traces can be reached, where there is one.',
  'lock-down': 'Whether the admission policies of the lock-down kit are there and in force.',
  'audit-webhook': 'Whether the API server’s audit log was heard of lately.',
} as const satisfies Readonly<Record<string, string>>;
export type CheckName = keyof typeof CHECKS;

export function ok(seen: string): Judgement {
  return { verdict: 'ok', seen, advice: null };
}

export function warning(seen: string, advice: string): Judgement {
  return { verdict: 'warning', seen, advice };
}

export function failure(seen: string, advice: string): Judgement {
  return { verdict: 'failure', seen, advice };
}

export function unknown({ why, advice }: Unseen): Judgement {
  return { verdict: 'unknown', seen: why, advice };
}

/** The worst of them; `ok` of none. */
export function worstOf(findings: readonly Pick<Finding, 'verdict'>[]): Verdict {
  const worst = Math.max(0, ...findings.map(({ verdict }) => VERDICTS.indexOf(verdict)));
  return VERDICTS[worst] ?? 'unknown';
}

const LISTED_MAX = 5;

/** `a, b and 3 more`. */
export function listed(names: readonly string[]): string {
  const more = names.length - LISTED_MAX;
  return names.slice(0, LISTED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
