import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { extensionOf, whyNotExtended } from '../domain/session/extension.js';
import { eventOf } from '../domain/session/session.machine.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { AskGate } from './ask-gate.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee, personOf } from './caller.js';
import type { DecideExtensionDeps, ExtendWish, GrantedExtension } from './decide-extension.js';
import { DecideExtension } from './decide-extension.js';
import { changed } from './decide-session.js';
import { policyRecord } from './decided-step.js';
import { NotePerson } from './note-person.js';
import type { IdempotencyKey, Step } from './ports/session.store.js';
import type { Tracer } from './ports/tracer.js';
import { UNTRACED } from './ports/tracer.js';
import { absent } from './read-session.js';
import type { AskLimits } from './request-session.js';
import { stepOf } from './session-step.js';

/** Policy sets are switched, and sessions change, while somebody asks; after so many times it is not chance any more. */
const TRIES_MAX = 5;

/** `extend`: another container for a session that is active, on what policy says now. */
export class ExtendSession {
  private readonly deciding: DecideExtension;

  constructor(
    private readonly deps: DecideExtensionDeps & {
      readonly note: NotePerson;
      readonly limits: Pick<AskLimits, 'startDeadlineSeconds' | 'longestDurationSeconds'>;
      /** To ask for more is to ask. Left out: everybody is let in. */
      readonly gate?: AskGate;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
    },
  ) {
    this.deciding = new DecideExtension(deps);
  }

  /**
   * How often and for how long is in the terms that the session was granted. Whether it is granted is asked of policy
   * anew: the same request, on the Pod as it is now, without this session among those that are counted. Where that needs
   * consents, those that stand must meet it.
   *
   * @param key makes sending it again the same extension.
   * @returns the session, which is being extended; `not-found`, `forbidden`, `changed-since-seen`, `illegal-transition`,
   * `invalid-fields` for a duration that cannot be, `extension-refused` by terms or policy, and what the cluster says
   * against the Pod; `too-many-requests` and `too-busy` where policy and the cluster would have to be asked.
   */
  async extend(
    caller: Caller,
    id: SessionId,
    wish: ExtendWish,
    key?: { readonly key: string; readonly requestHash: string },
  ): Promise<{ readonly session: Session; readonly already: boolean } | Problem> {
    const { store, policies, note } = this.deps;
    const { iss, sub } = personOf(caller);
    const idempotency = key && { iss, sub, ...key };
    for (let tries = 1; ; tries++) {
      const before = await this.replay(id, idempotency);
      if (before) return before;
      const session = await store.find(id);
      if (!session || !maySee(caller, session)) return absent(id);
      const refusal = this.refusal(caller, session, wish);
      // Of several with one key at once, those that come later find what the first has done.
      if (refusal) return (await this.replay(id, idempotency)) ?? refusal;
      const place = this.deps.gate?.enter(caller, session.request.cluster);
      if (isProblem(place)) return place;
      using _given = place;
      await note.note(caller);
      await policies.refresh();
      const granted = await this.decide(caller, session, wish);
      if (isProblem(granted)) return granted;
      const written = await store.write(this.step(caller, session, { wish, granted, idempotency }));
      if (!isProblem(written)) return { session: written, already: false };
      if (written.problem !== 'write-conflict' || tries === TRIES_MAX) return written;
    }
  }

  private decide(caller: Caller, session: Session, wish: ExtendWish) {
    const { tracer = UNTRACED } = this.deps;
    return tracer.run('session.decide', { facts: { session: session.id } }, async (span) => {
      const granted = await this.deciding.decide(caller, session, wish);
      if (isProblem(granted)) return granted;
      const { verdict, grant } = granted.decision;
      span.note({ verdict, rule: grant.rule, policySet: grant.policyHash });
      return granted;
    });
  }

  private refusal(caller: Caller, session: Session, wish: ExtendWish): Problem | undefined {
    const { id, state, version } = session;
    const capacities = callerCapacities(caller, session);
    if (!capacities.includes('requester')) {
      return problem('forbidden', 'Only the requester extends a session.');
    }
    if (wish.seenVersion !== undefined && wish.seenVersion !== version) return changed(id);
    if (!eventOf(state, 'extend', capacities)) {
      const when =
        state === 'ending' || state === 'ended' || state === 'denied' ? 'any more' : 'yet';
      return problem(
        'illegal-transition',
        `The session ${id} is ${state}: there is nothing to extend ${when}.`,
      );
    }
    return whyNotExtended(session, wish.durationSeconds, {
      now: this.deps.clock.now(),
      longestSeconds: this.deps.limits.longestDurationSeconds,
    });
  }

  private step(
    caller: Caller,
    session: Session,
    args: {
      readonly wish: ExtendWish;
      readonly granted: GrantedExtension;
      readonly idempotency: IdempotencyKey | undefined;
    },
  ): Step {
    const { wish, granted, idempotency } = args;
    const { decision, facts } = granted;
    const at = this.deps.clock.now();
    const { startDeadlineSeconds } = this.deps.limits;
    const changes = extensionOf(session, wish.durationSeconds, { at, startDeadlineSeconds });
    const step = stepOf({
      session,
      event: 'extend',
      capacities: ['requester'],
      actor: caller.actor,
      at,
      changes,
      decision: policyRecord(decision, { facts, at, seenVersion: session.version }),
      data: {
        container: changes.extension?.container.name,
        extendSeconds: wish.durationSeconds,
        ...(wish.reason === undefined ? {} : { reason: wish.reason }),
        explanation: decision.explanation,
        // Which may be another version than the one that granted the session.
        policy: decision.grant.policyHash,
        rule: decision.grant.rule,
      },
    });
    return {
      ...step,
      guard: { policyHash: decision.grant.policyHash, perPerson: null, perPod: null },
      ...(idempotency ? { idempotency } : {}),
    };
  }

  private async replay(id: SessionId, key: IdempotencyKey | undefined) {
    const found = key && (await this.deps.store.findByKey(key));
    if (!found) return undefined;
    if (found.requestHash === key.requestHash && found.session.id === id) {
      return { session: found.session, already: true };
    }
    return problem(
      'idempotency-mismatch',
      `The key "${key.key}" already stands for something else that was asked of the session ${found.session.id}. Use a new key for a new request.`,
    );
  }
}
