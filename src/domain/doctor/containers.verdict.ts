import type { Judgement } from './finding.js';
import { listed, ok, Unseen, unknown, warning } from './finding.js';

/** A debug container that runs. */
export interface RunningContainer {
  readonly pod: string;
  readonly container: string;
  readonly startedAt: string;
}

/** @param strangers those that run, and that no session in the database has. */
export function judgeContainers(strangers: readonly RunningContainer[] | Unseen): Judgement {
  if (strangers instanceof Unseen) return unknown(strangers);
  if (strangers.length === 0) return ok('every debug container that runs there is of a session');
  const { length } = strangers;
  const named = strangers.map((it) => `${it.container} in ${it.pod} since ${it.startedAt}`);
  return warning(
    `${length} debug ${length === 1 ? 'container runs' : 'containers run'} there of which the database knows nothing: ${listed(named)}`,
    'where no other Hallpass serves this namespace, the database was put back: each ends at its deadline by itself, and before it with its Pod (docs/backup.md)',
  );
}
