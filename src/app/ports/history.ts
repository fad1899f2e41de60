import type { Identity } from '../../domain/person.js';
import type { HistoryFacts } from '../../domain/policy/facts.js';
import type { SessionId } from '../../domain/session/session.js';

/** Past and present sessions, counted for policy. */
export abstract class History {
  /**
   * @param on the Pod, once it is known.
   * @param without a session that is not counted, because it is the one that is asked about.
   */
  abstract of(args: {
    readonly person: Identity;
    readonly on: { readonly cluster: string; readonly podUid: string } | null;
    readonly without?: SessionId;
    readonly now: Date;
  }): Promise<HistoryFacts>;
}
