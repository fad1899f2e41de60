import type { Identity } from '../../domain/person.js';
import type { HistoryFacts } from '../../domain/policy/facts.js';

/** Past and present sessions, counted for policy. */
export abstract class History {
  /** @param on the Pod, once it is known. */
  abstract of(args: {
    readonly person: Identity;
    readonly on: { readonly cluster: string; readonly podUid: string } | null;
    readonly now: Date;
  }): Promise<HistoryFacts>;
}
