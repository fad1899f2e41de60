import { setImmediate } from 'node:timers/promises';
import type { Actor } from '../domain/person.js';
import type { AccessRemoved } from '../domain/policy/access.js';
import { accessRemoved } from '../domain/policy/access.js';
import type { PolicySet } from '../domain/policy/policy.js';
import { isProblem } from '../domain/problem.js';
import { isFinal, next } from '../domain/session/session.machine.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { OpenSession } from './ports/open.sessions.js';
import { OpenSessions } from './ports/open.sessions.js';
import { PolicySource } from './ports/policy.source.js';
import { SessionStore } from './ports/session.store.js';
import { stepOf } from './session-step.js';

/** People lose groups while no set is switched: how often is looked. */
const LOOK_MS = 15_000;
const PAGE = 100;
/** The session may move on while it is looked at; after so many times the next look has it. */
const TRIES_MAX = 5;

/**
 * Ends open sessions whose requester no rule of the set in force would let in any more, where the terms that they were
 * granted say so. Every replica looks; of several that end one session the first does, and the others see that it is
 * done. By the guard of the write, no replica ends any by a set that is not in force.
 */
export class RemoveAccess {
  private readonly stopping = new AbortController();
  private wake = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly actor: Actor;

  constructor(
    private readonly deps: {
      readonly open: OpenSessions;
      readonly store: SessionStore;
      readonly policies: PolicySource;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ) {
    this.actor = { kind: 'system', replica: deps.replica };
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    await this.loop;
  }

  /** Looks at once: the set was switched. */
  look(): void {
    this.wake.abort();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.wake = new AbortController();
      try {
        await this.once();
      } catch (error) {
        this.deps.journal.error({ err: error }, 'it could not be looked whose access is gone');
      }
      await pause(LOOK_MS, AbortSignal.any([this.wake.signal, this.stopping.signal]));
    }
  }

  /** Goes through all open sessions. @returns those that it ended. */
  async once(): Promise<SessionId[]> {
    const { open, policies } = this.deps;
    await policies.refresh();
    const ended: SessionId[] = [];
    let after: SessionId | undefined;
    while (!this.stopping.signal.aborted && !policies.blocked()) {
      const page = await open.page({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const one of page) {
        if (await this.end(one)) ended.push(one.session.id);
        // Each may take as long as a decision does at most: others are served in between.
        await setImmediate();
      }
      after = page.at(-1)?.session.id;
      if (page.length < PAGE) break;
    }
    return ended;
  }

  private async end({ session: seen, facts, person }: OpenSession): Promise<boolean> {
    const { store, policies } = this.deps;
    const groups = person?.groups ?? seen.requester.groups;
    let session: Session | undefined = seen;
    for (let tries = 1; session && tries <= TRIES_MAX; tries++) {
      const set = policies.current();
      const removed = accessRemoved({ session, set, groups, facts });
      if (!removed || !next(session.state, 'revoke', ['system'])) return false;
      const written = await store.write(this.step(session, { set, removed, groups }));
      if (!isProblem(written)) return true;
      // Somebody moved the session on, or another set is in force.
      await policies.refresh();
      session = await store.find(seen.id);
    }
    return false;
  }

  private step(
    session: Session,
    why: { set: PolicySet; removed: AccessRemoved; groups: readonly string[] },
  ) {
    const at = this.deps.clock.now();
    const { set, removed, groups } = why;
    const changes = groupChanges(session.requester.groups, groups);
    const to = next(session.state, 'revoke', ['system']);
    return {
      ...stepOf({
        session,
        event: 'revoke',
        capacities: ['system'],
        actor: this.actor,
        at,
        data: {
          policy: set.hash,
          by: removed.by,
          rule: removed.rule,
          ...(removed.by === 'groups' ? changes : {}),
        },
        changes: {
          endReason: 'access-removed',
          endDetail: sentence(removed, set, changes),
          ...(to !== undefined && isFinal(to) ? { lapsesAt: null } : { endingAt: at }),
        },
      }),
      guard: { policyHash: set.hash, perPerson: null, perPod: null },
    };
  }
}

const GROUPS_MAX = 20;

interface GroupChanges {
  readonly lostGroups: readonly string[];
  readonly gainedGroups: readonly string[];
}

/** The first {@link GROUPS_MAX} of each. A rule may ask for a group, and forbid one: which it was is not told apart. */
function groupChanges(then: readonly string[], now: readonly string[]): GroupChanges {
  const [had, have] = [new Set(then), new Set(now)];
  return {
    lostGroups: then.filter((group) => !have.has(group)).slice(0, GROUPS_MAX),
    gainedGroups: now.filter((group) => !had.has(group)).slice(0, GROUPS_MAX),
  };
}

function sentence({ by, rule }: AccessRemoved, set: PolicySet, changes: GroupChanges): string {
  const why =
    rule === null
      ? 'no policy lets its requester in any more'
      : `the policy "${rule}" forbids it to its requester now`;
  const since =
    by === 'groups' ? groupsText(changes) : `the policy set ${set.hash.slice(0, 12)} is in force`;
  return `Ended because ${why}: ${since}.`;
}

function groupsText({ lostGroups, gainedGroups }: GroupChanges): string {
  const clauses = [
    ...(lostGroups.length === 0 ? [] : [`no longer in ${lostGroups.join(', ')}`]),
    ...(gainedGroups.length === 0 ? [] : [`in ${gainedGroups.join(', ')} since`]),
  ];
  // A condition may look at their order.
  return clauses.length === 0 ? 'their groups are others' : `they are ${clauses.join(', and ')}`;
}
