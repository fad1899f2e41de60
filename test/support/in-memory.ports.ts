import type { AuditEntry } from '../../src/domain/audit/entry.js';
import type { Person } from '../../src/domain/person.js';
import { isAmong, sameAccount, samePerson } from '../../src/domain/person.js';
import type { HistoryFacts, OnCallFacts } from '../../src/domain/policy/facts.js';
import { NO_HISTORY } from '../../src/domain/policy/facts.js';
import type { PolicySet } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { problem } from '../../src/domain/problem.js';
import type { Observation } from '../../src/domain/session/observation.js';
import { TRANSITIONS } from '../../src/domain/session/session.machine.js';
import { concernedPeople } from '../../src/domain/session/session.js';
import type { Consent, Session, SessionId, Target } from '../../src/domain/session/session.js';
import { FOUND } from './policies.js';
import type { AuditRecord } from '../../src/app/ports/audit.log.js';
import { AuditLog } from '../../src/app/ports/audit.log.js';
import { Clock } from '../../src/app/ports/clock.js';
import type { ResolvedTarget } from '../../src/app/ports/cluster.js';
import { Clusters } from '../../src/app/ports/cluster.js';
import { History } from '../../src/app/ports/history.js';
import { Journal } from '../../src/app/ports/journal.js';
import { OnCall } from '../../src/app/ports/on-call.js';
import { People } from '../../src/app/ports/people.js';
import { PolicySource } from '../../src/app/ports/policy.source.js';
import { ReviewStore } from '../../src/app/ports/review.store.js';
import { SessionNews } from '../../src/app/ports/session.news.js';
import type {
  Claimed,
  DecisionRecord,
  Held,
  IdempotencyKey,
  Lease,
  Likeness,
  ReviewDebt,
  Step,
  StepRecord,
  Room,
} from '../../src/app/ports/session.store.js';
import { SessionStore } from '../../src/app/ports/session.store.js';

/** The time, set by hand where `at` is given. */
export class HandClock extends Clock {
  constructor(private at?: Date) {
    super();
  }

  now(): Date {
    return new Date(this.at ?? Date.now());
  }

  set(at: Date): void {
    this.at = at;
  }

  advance(seconds: number): void {
    this.at = new Date(this.now().getTime() + seconds * 1000);
  }
}

/** Remembers what it was told. */
export class MemoryJournal extends Journal {
  readonly lines: { level: string; facts: object; message: string }[] = [];

  info(facts: object, message: string): void {
    this.lines.push({ level: 'info', facts, message });
  }

  warn(facts: object, message: string): void {
    this.lines.push({ level: 'warn', facts, message });
  }

  error(facts: object, message: string): void {
    this.lines.push({ level: 'error', facts, message });
  }
}

/** News within this process. `lost` makes them get lost, as they may. */
export class MemoryNews extends SessionNews {
  lost = false;
  private readonly listeners = new Set<(id: SessionId, version: number) => void>();

  get listening(): number {
    return this.listeners.size;
  }

  subscribe(heard: (id: SessionId, version: number) => void): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  tell(id: SessionId, version: number): void {
    if (!this.lost) for (const heard of this.listeners) heard(id, version);
  }
}

/** The audit log in memory, newest last. */
export class MemoryAuditLog extends AuditLog {
  readonly entries: AuditEntry[] = [];

  append(entry: AuditEntry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }

  read(args: Parameters<AuditLog['read']>[0]): Promise<AuditRecord[]> {
    const { before } = args;
    const found = this.entries
      .filter((it) => args.sessionId === undefined || it.sessionId === args.sessionId)
      .filter((it) => args.action === undefined || it.action === args.action)
      .filter((it) => !before || isBefore({ at: it.at, id: it.id }, before))
      .sort((a, b) => (isBefore(a, b) ? 1 : -1))
      .slice(0, args.limit);
    return Promise.resolve(
      found.map(({ id, at, action, sessionId, body, leafHash }) => {
        const parsed: unknown = JSON.parse(body.toString());
        return { id, at, action, sessionId, body: parsed, leafHash };
      }),
    );
  }
}

function isBefore(a: { at: Date; id: string }, b: { at: Date; id: string }): boolean {
  return a.at < b.at || (a.at.getTime() === b.at.getTime() && a.id < b.id);
}

/** People in memory, each as their newest token said. */
export class MemoryPeople extends People {
  private readonly rows: { readonly person: Person; readonly issuedAt: Date }[] = [];
  /** Makes every call fail as if the database were away. */
  broken: Error | undefined;
  /** How often something was to be kept. */
  writes = 0;

  seen(person: Person, issuedAt: Date): Promise<void> {
    this.writes++;
    if (this.broken) return Promise.reject(this.broken);
    const at = this.rows.findIndex((it) => sameAccount(it.person, person));
    const known = this.rows[at];
    if (!known) this.rows.push({ person, issuedAt });
    else if (known.issuedAt <= issuedAt) this.rows[at] = { person, issuedAt };
    return Promise.resolve();
  }

  latest(accounts: Parameters<People['latest']>[0]): Promise<Person[]> {
    if (this.broken) return Promise.reject(this.broken);
    return Promise.resolve(
      accounts.flatMap((account) => {
        const known = this.now(account);
        return known ? [known] : [];
      }),
    );
  }

  named(names: readonly string[]): Promise<Person[]> {
    return Promise.resolve(
      this.rows
        .map(({ person }) => person)
        .filter(({ iss, sub }) => names.includes(sub) || names.includes(`${iss}|${sub}`)),
    );
  }

  now(account: Pick<Person, 'iss' | 'sub'>): Person | undefined {
    return this.rows.find(({ person }) => sameAccount(person, account))?.person;
  }
}

interface Row {
  session: Session;
  readonly steps: StepRecord[];
  readonly decisions: DecisionRecord[];
  dueAt: Date | null;
  lease?: { readonly owner: string; readonly until: Date };
}

/**
 * Sessions in memory, under the same contract as those in the database: compare-and-swap on version and state, legal
 * transitions only, one session for each key, no two that are alike, no more than a guard allows, and the audit entry
 * with the step.
 */
export class MemorySessionStore extends SessionStore {
  private readonly rows = new Map<SessionId, Row>();
  private readonly keys = new Map<string, { id: SessionId; requestHash: string }>();
  /** The reviews that are owed. */
  readonly debts = new Map<SessionId, ReviewDebt>();
  /** The hash of the policy set in force; undefined: whichever decides. */
  inForce: string | undefined;
  /** Makes every call fail as if the database were away. */
  broken: Error | undefined;
  /** Makes every call wait for it; `calls` tells how many have begun. */
  held: Promise<undefined> | undefined;
  calls = 0;

  constructor(
    readonly log = new MemoryAuditLog(),
    readonly news = new MemoryNews(),
    readonly people = new MemoryPeople(),
  ) {
    super();
  }

  async write(step: Step): Promise<Session | Problem> {
    await this.turn();
    const { session, from, event, decision, idempotency } = step;
    if (
      !TRANSITIONS.some((it) => it.from === from && it.event === event && it.to === session.state)
    ) {
      throw new Error(`the machine has no ${from} -${event}-> ${session.state}`);
    }
    const row = this.rows.get(session.id);
    const fresh =
      from === 'new'
        ? !row
        : row?.session.version === session.version - 1 && row.session.state === from;
    const key = idempotency && keyOf(idempotency);
    const alike = from === 'new' && session.state !== 'denied' && this.alike(session);
    const lost =
      step.heldBy !== undefined &&
      !(row?.lease?.owner === step.heldBy && row.lease.until > new Date());
    if (
      !fresh ||
      lost ||
      alike ||
      !this.stillSo(step) ||
      (key !== undefined && this.keys.has(key))
    ) {
      return problem('write-conflict', `The session ${session.id} was changed by somebody else.`);
    }
    const kept: Row = row ?? { session, steps: [], decisions: [], dueAt: null };
    kept.session = session;
    kept.dueAt = step.dueAt;
    kept.steps.push({
      seq: session.version,
      event,
      from,
      to: session.state,
      at: step.at,
      actor: step.actor,
      data: JSON.parse(JSON.stringify(step.data ?? {})) as Record<string, unknown>,
    });
    if (decision) kept.decisions.push(decision);
    this.rows.set(session.id, kept);
    if (key !== undefined && idempotency) {
      this.keys.set(key, { id: session.id, requestHash: idempotency.requestHash });
    }
    if (step.debt) this.debts.set(session.id, step.debt);
    this.log.entries.push(step.audit);
    this.news.tell(session.id, session.version);
    return session;
  }

  async find(id: SessionId): Promise<Session | undefined> {
    await this.turn();
    return this.rows.get(id)?.session;
  }

  async versions(ids: readonly SessionId[]): Promise<ReadonlyMap<SessionId, number>> {
    await this.turn();
    return new Map(
      ids.flatMap((id) => {
        const row = this.rows.get(id);
        return row ? [[id, row.session.version] as const] : [];
      }),
    );
  }

  async findByKey(key: Omit<IdempotencyKey, 'requestHash'>) {
    await this.turn();
    const found = this.keys.get(keyOf(key));
    const row = found && this.rows.get(found.id);
    return row && { session: row.session, requestHash: found.requestHash };
  }

  async findAlike(likeness: Likeness): Promise<Session | undefined> {
    await this.turn();
    return this.alike(likeness);
  }

  /** Whether what a new session was decided on is so now. */
  private stillSo({ session, guard }: Step): boolean {
    if (!guard) return true;
    const open = [...this.rows.values()]
      .map((row) => row.session)
      .filter((it) => it.state !== 'denied' && it.state !== 'ended');
    const mine = open.filter((it) => samePerson(it.requester, session.requester)).length;
    const there = open.filter(
      (it) =>
        session.pin !== null &&
        it.request.cluster === session.request.cluster &&
        it.pin?.podUid === session.pin.podUid,
    ).length;
    return (
      (this.inForce === undefined || this.inForce === guard.policyHash) &&
      mine < (guard.perPerson ?? Infinity) &&
      there < (guard.perPod ?? Infinity)
    );
  }

  private alike({ requester, request, pin }: Likeness): Session | undefined {
    return [...this.rows.values()]
      .map((row) => row.session)
      .find(
        (it) =>
          ['pending', 'approved', 'starting', 'active'].includes(it.state) &&
          sameAccount(it.requester, requester) &&
          it.request.cluster === request.cluster &&
          it.request.namespace === request.namespace &&
          it.request.profile === request.profile &&
          it.request.container === request.container &&
          it.request.breakGlass === request.breakGlass &&
          (targetKey(it.request.target) === targetKey(request.target) ||
            (pin !== null && it.pin?.podUid === pin.podUid)),
      );
  }

  async consents(id: SessionId): Promise<Consent[]> {
    await this.turn();
    return (this.rows.get(id)?.decisions ?? []).flatMap(({ person, verdict, at, comment }) =>
      person && (verdict === 'approve' || verdict === 'deny' || verdict === 'retract')
        ? [
            {
              person: { ...person, ...this.people.now(person) },
              verdict,
              at,
              ...(comment === null ? {} : { comment }),
            },
          ]
        : [],
    );
  }

  async decisions(id: SessionId): Promise<DecisionRecord[]> {
    await this.turn();
    return [...(this.rows.get(id)?.decisions ?? [])];
  }

  async steps(id: SessionId, after: number): Promise<StepRecord[]> {
    await this.turn();
    return (this.rows.get(id)?.steps ?? []).filter(({ seq }) => seq > after).slice(0, 1_000);
  }

  async list(args: Parameters<SessionStore['list']>[0]): Promise<Session[]> {
    await this.turn();
    const { visibility, filter, after } = args;
    return [...this.rows.values()]
      .map(({ session }) => session)
      .filter(
        (it) =>
          visibility.kind === 'all' ||
          samePerson(it.requester, visibility.person) ||
          isAmong(visibility.person, concernedPeople(it)),
      )
      .filter((it) => !filter.states || filter.states.includes(it.state))
      .filter((it) => filter.cluster === undefined || it.request.cluster === filter.cluster)
      .filter((it) => filter.namespace === undefined || it.request.namespace === filter.namespace)
      .filter(
        (it) => filter.breakGlass === undefined || it.request.breakGlass === filter.breakGlass,
      )
      .filter((it) => !filter.requester || samePerson(it.requester, filter.requester))
      .filter((it) => !after || isBefore(placeOf(it), { at: after.createdAt, id: after.id }))
      .sort((a, b) => (isBefore(placeOf(a), placeOf(b)) ? 1 : -1))
      .slice(0, args.limit);
  }

  async claim(lease: Lease, { lanes, taken = [] }: Room): Promise<Claimed[]> {
    await this.turn();
    const now = new Date();
    const claimed: Claimed[] = [];
    for (const row of this.rows.values()) {
      const { session, dueAt } = row;
      if (!dueAt || dueAt > now || (row.lease && row.lease.until > now)) continue;
      const isEnd = isEndDue(session, now);
      const alike = claimed.filter(
        (it) => it.isEnd === isEnd && it.session.request.cluster === session.request.cluster,
      );
      if (heldOf(taken, session, isEnd) + alike.length >= lanes) continue;
      row.lease = leaseOf(lease, now);
      claimed.push({ session, isEnd });
    }
    return claimed;
  }

  async renew(id: SessionId, lease: Lease): Promise<Session | undefined> {
    await this.turn();
    const row = this.rows.get(id);
    if (row?.lease?.owner !== lease.owner) return undefined;
    row.lease = leaseOf(lease, new Date());
    return row.session;
  }

  async release(args: Parameters<SessionStore['release']>[0]): Promise<void> {
    await this.turn();
    const row = this.rows.get(args.id);
    if (row?.lease?.owner !== args.owner) return;
    delete row.lease;
    if (row.session.version === args.version) row.dueAt = args.dueAt;
  }

  async nextDueInMs(room?: Room): Promise<number | null> {
    await this.turn();
    const now = new Date();
    const due = [...this.rows.values()].flatMap((it) => {
      const held = heldOf(room?.taken ?? [], it.session, isEndDue(it.session, now));
      return it.dueAt && held < (room?.lanes ?? Infinity)
        ? [Math.max(it.dueAt.getTime(), it.lease?.until.getTime() ?? 0)]
        : [];
    });
    return due.length === 0 ? null : Math.min(...due) - Date.now();
  }

  /** A database is never quicker than a turn of the event loop: races show. */
  private async turn(): Promise<void> {
    this.calls++;
    await new Promise<void>((resolve) => setImmediate(resolve));
    await this.held;
    if (this.broken) throw this.broken;
  }
}

function heldOf(taken: readonly Held[], { request }: Session, isEnd: boolean): number {
  return taken.find((it) => it.cluster === request.cluster && it.isEnd === isEnd)?.sessions ?? 0;
}

function targetKey(target: Target): string {
  return target.kind === 'pod' ? target.name : `${target.workload} ${target.name}`;
}

function placeOf(session: Session): { at: Date; id: string } {
  return { at: session.createdAt, id: session.id };
}

function keyOf({ iss, sub, key }: Omit<IdempotencyKey, 'requestHash'>): string {
  return JSON.stringify([iss, sub, key]);
}

function leaseOf({ owner, seconds }: Lease, now: Date) {
  return { owner, until: new Date(now.getTime() + seconds * 1000) };
}

/** A cluster that has every Pod but those whose names begin with `no-`. Containers are not its business. */
export class MemoryClusters extends Clusters {
  constructor(private readonly names: readonly string[] = ['sandbox']) {
    super();
  }

  list() {
    return this.names.map((name) => ({ name, namespaces: ['*'] }));
  }

  resolve(args: { namespace: string; target: Target }): Promise<ResolvedTarget | Problem> {
    const { namespace, target } = args;
    if (target.name.startsWith('no-')) {
      const detail = `There is no ${target.kind} "${target.name}" in the namespace "${namespace}".`;
      return Promise.resolve({
        pin: null,
        facts: { namespaceLabels: {}, namespaceAnnotations: {}, pod: null },
        unfit: problem('target-not-found', detail),
      });
    }
    const podName = target.kind === 'pod' ? target.name : `${target.name}-7d9f-x2x4z`;
    return Promise.resolve({
      pin: { podName, podUid: `uid-of-${namespace}-${podName}`, nodeName: 'node-1' },
      facts: { ...FOUND, pod: podName },
      unfit: null,
    });
  }

  add(): Promise<'added'> {
    return Promise.resolve('added');
  }

  observe(): Promise<Observation> {
    return Promise.resolve({ kind: 'absent', podEnding: false });
  }

  async *follow(): AsyncIterable<Observation> {
    yield await this.observe();
  }

  writeLine(): Promise<'done'> {
    return Promise.resolve('done');
  }

  run(): Promise<{ exitCode: number }> {
    return Promise.resolve({ exitCode: 0 });
  }

  evict(): Promise<'done'> {
    return Promise.resolve('done');
  }
}

/** One set of documents, for good. */
export class FixedPolicies extends PolicySource {
  constructor(private readonly set: PolicySet) {
    super();
  }

  current(): PolicySet {
    return this.set;
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

/** No glass was ever broken. */
export class NoReviews extends ReviewStore {
  find(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  write(): never {
    throw new Error('there is nothing to review');
  }

  list(): Promise<[]> {
    return Promise.resolve([]);
  }

  counts() {
    return Promise.resolve({ open: 0, overdue: 0 });
  }
}

/** Nobody has ever had a session. */
export class NoHistory extends History {
  of(): Promise<HistoryFacts> {
    return Promise.resolve(NO_HISTORY);
  }
}

/** Nobody can be told to be on call. */
export class NobodyOnCall extends OnCall {
  factsFor(): Promise<OnCallFacts> {
    return Promise.resolve({});
  }
}

function isEndDue(
  { state, deadlineAt }: Pick<Session, 'state' | 'deadlineAt'>,
  now: Date,
): boolean {
  return state === 'ending' || (state === 'active' && deadlineAt !== null && deadlineAt <= now);
}
