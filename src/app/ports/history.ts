import type { Identity } from '../../domain/person.js';
import type { HistoryFacts } from '../../domain/policy/facts.js';
import type { SessionId } from '../../domain/session/session.js';

/** Past and present sessions, counted for policy. */
export abstract class History {
  /**
   * Sessions are a person's by any account that is known to be theirs now. What they owe is that too, and what was taken
   * on by an account that was theirs then: no end of a link takes a debt away.
   *
   * @param person as their token says; what is known of their accounts besides is looked up.
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
