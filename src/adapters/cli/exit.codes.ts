/** What a command ends with. As for `diff`: a finding is no trouble. */
export const EXIT = {
  ok: 0,
  /** What was looked for was found: errors in documents, failed tests, decisions that would change. */
  found: 1,
  /** Wrong use, or input that cannot be read. */
  trouble: 2,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
