/** What was asked for and had in one place or by one group of people, within a time. */
export interface AccessLine {
  /** `cluster/namespace`, or a group of those who asked. */
  readonly name: string;
  /** How many people asked, by their accounts. */
  readonly people: number;
  readonly asked: number;
  /** By policy or by an approver. */
  readonly denied: number;
  /** Whose container was begun to be started. */
  readonly started: number;
  readonly brokenGlass: number;
  /** Of those for which the glass was broken: not reviewed, though their time is up. */
  readonly reviewsOverdue: number;
  readonly lastAskedAt: Date;
}

/** Who had access to what, from the sessions themselves. Those who are in several groups count in each. */
export abstract class AccessReport {
  /** Of sessions asked for from `from` on and before `until`; those with the most first, `limit` at most. */
  abstract lines(args: {
    readonly by: 'group' | 'namespace';
    readonly from: Date;
    readonly until: Date;
    readonly now: Date;
    readonly limit: number;
  }): Promise<AccessLine[]>;
}
