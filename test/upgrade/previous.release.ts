/**
 * The release that is upgraded from without downtime. To be set anew with each release, after which the steps listed in
 * {@link CONTRACT_STEPS} go.
 */
export const PREVIOUS_RELEASE = {
  /** Where its tree is in the history; null: nothing was released yet, and the newest commit with its schema counts. */
  commit: null as string | null,
  /** The newest migration that it knows. */
  newest: '20261130000000_compatibility',
};

/**
 * Migrations since then that take something away or forbid something, with the reason why the release before does not
 * miss it.
 */
export const CONTRACT_STEPS: Readonly<Record<string, string>> = {};
