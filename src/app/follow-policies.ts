import type { AuditEntry } from '../domain/audit/entry.js';
import type { PolicySet } from '../domain/policy/policy.js';
import { filesHash, policySet } from '../domain/policy/policy-set.js';
import type { Problem } from '../domain/problem.js';
import { invariant, problem } from '../domain/problem.js';
import { pause } from './pause.js';
import type { Refusal } from './policy-entries.js';
import { activatedEntry, contentHash, refusedEntry } from './policy-entries.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { Activation } from './ports/policy.archive.js';
import { PolicyArchive } from './ports/policy.archive.js';
import type { FolderReading, PolicyErrors } from './ports/policy.folders.js';
import { PolicyFolders } from './ports/policy.folders.js';
import { PolicySource } from './ports/policy.source.js';

/** News may be lost: how often it is looked which set is in force, and what the folders hold. */
const LOOK_MS = 1_000;
const LOOK_AT_FOLDERS_MS = 3_000;
/**
 * How long after its start a replica that came with an older set keeps it to itself. A mounted ConfigMap that comes late
 * is there within minutes (kubelet: sync period and cache, 1 min each); what is still there after that is meant.
 */
export const BELIEVED_AFTER_MS = 600_000;

/** How things stand with the policies of this replica. */
export interface PolicyStanding {
  readonly inForce: Activation;
  /**
   * What its folders hold: the set in `force`; `another` one, which is not put in force by merely being there; or
   * documents that are `refused`.
   */
  readonly folder: 'force' | 'another' | 'refused';
  /** The first errors of the refused documents. */
  readonly errors: readonly string[];
  /** How often documents were refused here since the start, by a folder or from the database. */
  readonly failures: number;
  /** Whether the set in force cannot be read here. */
  readonly isBlocked: boolean;
}

interface Deps {
  readonly folders: PolicyFolders;
  readonly archive: PolicyArchive;
  /** Reads the documents in files, of which some may be missing: then there are errors already. */
  readonly compile: (
    reading: Pick<FolderReading, 'files' | 'errors'>,
  ) => Promise<PolicySet | PolicyErrors>;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly replica: string;
}

/**
 * The policies of all replicas together: what changes last in any replica's folders is put in force for all, whole or
 * not at all, and each replica decides by what is in force.
 *
 * A replica proposes what its folders hold where they changed, and at the start. A set that was in force since the
 * replica last saw its folders change (at the start: ever) is no proposal: others were quicker with it, and are further.
 * So a replica whose ConfigMap comes late never turns the set back. What a replica started with and still holds ten
 * minutes later is meant, and proposed once more: a set that is turned back while nothing runs comes into force too.
 */
export class FollowPolicies extends PolicySource {
  private readonly stopping = new AbortController();
  private wake = new AbortController();
  private loops: Promise<unknown> = Promise.resolve();
  private readonly listeners = new Set<() => void>();

  /** The set in force, where this program can read it; else the last that it could. */
  private set = policySet({ files: [], policies: [], profiles: [], onCallSources: [] });
  private active: Activation | undefined;
  private problem: Problem | undefined;
  /** What the folders held when they were last read. */
  private mark = '';
  private found: PolicySet | PolicyErrors = { policyErrors: [] };
  /** The activation that the folders' newest good content was known by. */
  private since = 0;
  private isProposed = false;
  /** When a set that was in force before, and was there at the start, is believed to be meant. */
  private believedAt: Date | null = null;
  private good: string | undefined;
  private untold: { readonly content: string; readonly entry: AuditEntry }[] = [];
  private failures = 0;

  private looking: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;

  constructor(private readonly deps: Deps) {
    super();
  }

  /**
   * Reads the folders and takes up what is in force.
   *
   * @returns all errors of the documents, where no set is in force that could be gone by instead.
   */
  async open(): Promise<PolicyErrors | undefined> {
    await this.read(await this.deps.folders.read());
    await this.propose();
    await this.refresh();
    if (this.active) return undefined;
    // A good set would be in force by now.
    return 'policyErrors' in this.found ? this.found : undefined;
  }

  override current(): PolicySet {
    return this.set;
  }

  override blocked(): Problem | undefined {
    return this.problem;
  }

  standing(): PolicyStanding {
    const { active, found } = this;
    const isRefused = 'policyErrors' in found;
    const inForce = invariant(active, 'policies that are followed before they are opened');
    return {
      inForce,
      folder: isRefused ? 'refused' : found.hash === inForce.hash ? 'force' : 'another',
      errors: isRefused ? found.policyErrors : [],
      failures: this.failures,
      isBlocked: this.problem !== undefined,
    };
  }

  /** Calls `switched` after each switch to another set, until the returned function is called. */
  onSwitch(switched: () => void): () => void {
    this.listeners.add(switched);
    return () => this.listeners.delete(switched);
  }

  /** Begins to follow. `heard` says that another replica put a set in force. */
  start(subscribe: (heard: () => void) => () => void): void {
    const unsubscribe = subscribe(
      () => void this.refresh().catch((error: unknown) => this.failed(error)),
    );
    const unwatch = this.deps.folders.watch(() => this.wake.abort());
    this.stopping.signal.addEventListener('abort', () => {
      unsubscribe();
      unwatch();
      this.wake.abort();
    });
    this.loops = Promise.all([this.followFolders(), this.followForce()]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loops;
    await this.looking;
  }

  /** What is under way was begun before this call and may have missed what it is about: one more look is waited for. */
  override refresh(): Promise<void> {
    this.waiting ??= this.looking.then(() => {
      this.waiting = undefined;
      const look = this.takeUp();
      this.looking = look.catch(() => undefined);
      return look;
    });
    return this.waiting;
  }

  private async followForce(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.refresh().catch((error: unknown) => this.failed(error));
      await pause(LOOK_MS, this.stopping.signal);
    }
  }

  private async followFolders(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.wake = new AbortController();
      try {
        const reading = await this.deps.folders.readUnless(this.mark);
        if (reading && !signal.aborted) await this.read(reading);
        await this.propose();
        await this.tellRefusals();
      } catch (error) {
        this.failed(error);
      }
      await pause(LOOK_AT_FOLDERS_MS, AbortSignal.any([this.wake.signal, signal]));
    }
  }

  private failed(error: unknown): void {
    if (!this.stopping.signal.aborted) {
      this.deps.journal.warn({ err: error }, 'the policies in force could not be looked at');
    }
  }

  /** Takes in what the folders hold now. */
  private async read(reading: FolderReading): Promise<void> {
    const found = await this.deps.compile(reading);
    this.mark = reading.mark;
    this.found = found;
    if ('hash' in found) {
      // The same again, after bad documents or in other files: what was decided about it holds.
      this.isProposed &&= found.hash === this.good;
      if (found.hash !== this.good) this.believedAt = null;
      this.good = found.hash;
      return;
    }
    this.refuse(filesHash(reading.files), found.policyErrors, 'in the folders');
    await this.tellRefusals();
  }

  private async propose(): Promise<void> {
    const { archive, clock, replica, journal } = this.deps;
    const { found } = this;
    const at = clock.now();
    const isMeant = this.believedAt !== null && at >= this.believedAt;
    if ((this.isProposed && !isMeant) || 'policyErrors' in found) return;
    const isStart = this.since === 0;
    const proposed = await archive.propose({
      hash: found.hash,
      files: found.files,
      since: isMeant ? (this.active?.seq ?? this.since) : this.since,
      replica,
      at,
      audit: (replaced) => activatedEntry({ at, replica, replaced, set: found }),
    });
    this.since = proposed.of.seq;
    this.isProposed = true;
    this.believedAt = null;
    if (proposed.outcome === 'superseded') {
      if (isStart) this.believedAt = new Date(at.getTime() + BELIEVED_AFTER_MS);
      journal.warn(
        { folders: found.hash, inForce: proposed.inForce.hash, believedAt: this.believedAt },
        'the folders hold a policy set that was in force before and is not now: it is not put in force again yet',
      );
    }
    if (proposed.outcome === 'activated') await this.refresh();
  }

  /** Looks which set is in force, and takes it up where it is another. */
  private async takeUp(): Promise<void> {
    const newest = await this.deps.archive.inForce();
    if (!newest || newest.seq === this.active?.seq) return;
    const set = await this.setOf(newest.hash);
    const isOther = newest.hash !== this.active?.hash;
    this.active = newest;
    if ('policyErrors' in set) {
      this.problem = problem(
        'policy-unavailable',
        'This replica cannot read the policies in force, so it decides nothing. Try again; an operator must bring all replicas to one version.',
        { retryAfterSeconds: RETRY_SECONDS },
      );
      this.refuse(newest.hash, set.policyErrors, 'in force');
      await this.tellRefusals();
      return;
    }
    this.set = set;
    this.problem = undefined;
    this.deps.journal.info(
      { policySet: newest.hash, by: newest.replica },
      'a policy set is in force',
    );
    if (isOther) for (const switched of this.listeners) switched();
  }

  private async setOf(hash: string): Promise<PolicySet | PolicyErrors> {
    for (const known of [this.found, this.set]) {
      if ('hash' in known && known.hash === hash) return known;
    }
    const files = await this.deps.archive.files(hash);
    if (!files || filesHash(files) !== hash) {
      return { policyErrors: [`what is stored as the policy set ${hash} is something else`] };
    }
    return this.deps.compile({ files, errors: [] });
  }

  private refuse(content: string, errors: readonly string[], where: Refusal['where']): void {
    const { clock, replica, journal } = this.deps;
    this.failures++;
    journal.error(
      { where, count: errors.length, errors: errors.slice(0, ERRORS_TOLD) },
      'policy documents are refused, all of them together',
    );
    const refusal = { at: clock.now(), replica, where, content, errors };
    this.untold.push({ content: contentHash(refusal), entry: refusedEntry(refusal) });
    // While the database is away, the newest are what matters.
    this.untold.splice(0, this.untold.length - UNTOLD_MAX);
  }

  /** Writes the refusals to the audit log; those that could not be written are written when the database is back. */
  private async tellRefusals(): Promise<void> {
    for (let first = this.untold[0]; first; first = this.untold[0]) {
      await this.deps.archive.refuse(first.content, first.entry);
      this.untold.shift();
    }
  }
}

const RETRY_SECONDS = 5;
const ERRORS_TOLD = 20;
const UNTOLD_MAX = 10;
