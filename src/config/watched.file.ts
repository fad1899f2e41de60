import { createHash } from 'node:crypto';

/** Files that the configuration names, one or several that belong together, and may hold something else one day. */
export interface WatchedFile {
  /** The key that names them: `slack.botTokenFile`. */
  readonly key: string;
  readonly paths: readonly string[];
  /** Of what was taken of them at the start: {@link stampOf}. */
  readonly stamp: string;
  /**
   * Takes what they hold now, for whoever uses it the next time; gives a sentence where they hold something else, and then
   * nothing is changed. Null: they are read at the start alone.
   */
  readonly renew: ((texts: readonly string[]) => string | undefined) | null;
}

/** Tells one content from another and gives none away. */
export function stampOf(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
}
