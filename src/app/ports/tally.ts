/** What is counted in the database, for all replicas together. */
export interface Tally {
  /** Sessions that are not over, by state: 0 where there are none. */
  readonly sessions: Readonly<Record<string, number>>;
  readonly reviewsOpen: number;
  readonly reviewsOverdue: number;
  /** Sessions whose container should have ended and is not known to have, and for how long the oldest should. */
  readonly past: { readonly sessions: number; readonly seconds: number };
  /** Events without a place in the log, as many as are counted at most, and for how long the oldest waits. */
  readonly unsequenced: { readonly events: number; readonly seconds: number };
  /** Null: nothing was ever signed. */
  readonly checkpointAgeSeconds: number | null;
}
