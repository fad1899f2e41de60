import type { LogEntry, SignedHead } from '../../src/app/ports/log.store.js';
import { BypassStore } from '../../src/app/ports/bypass.store.js';
import { LogStore } from '../../src/app/ports/log.store.js';
import type { SessionStore } from '../../src/app/ports/session.store.js';
import { HoldAudit } from '../../src/app/hold-audit.js';
import { TendSinks } from '../../src/app/tend-sinks.js';
import { ReadLog } from '../../src/app/read-log.js';
import type { AuditReviewUses } from '../../src/app/audit-review.uses.js';
import { auditReviewUses } from '../../src/app/audit-review.uses.js';
import { AuditReviewStore } from '../../src/app/ports/audit-review.store.js';
import { noReview } from '../../src/app/sign-off-session.js';
import type { Problem } from '../../src/domain/problem.js';
import { ReportBreakGlass } from '../../src/app/report-break-glass.js';
import type { SessionEntry } from '../../src/app/ports/session.log.js';
import { SessionLog } from '../../src/app/ports/session.log.js';
import type { TakeEvidenceDeps } from '../../src/app/take-evidence.js';
import { TakeEvidence } from '../../src/app/take-evidence.js';
import { TarArchives } from '../../src/adapters/tar/tar.archives.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { ReportAccess } from '../../src/app/report-access.js';
import { SearchAudit } from '../../src/app/search-audit.js';
import type { Counts, FoundRecord, FoundSessions } from '../../src/app/ports/audit.index.js';
import { AuditIndex } from '../../src/app/ports/audit.index.js';
import { DetectBypass } from '../../src/app/detect-bypass.js';
import { ReceiveAudit } from '../../src/app/receive-audit.js';
import type { AuditLog } from '../../src/app/ports/audit.log.js';
import type { Clock } from '../../src/app/ports/clock.js';

/** A log in which nothing has a place. */
export class EmptyLog extends LogStore {
  override isWaiting(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override round(): Promise<SignedHead | undefined> {
    return Promise.resolve(undefined);
  }

  override head(): Promise<SignedHead | undefined> {
    return Promise.resolve(undefined);
  }

  override newest(): Promise<{ latest: undefined; places: number }> {
    return Promise.resolve({ latest: undefined, places: 0 });
  }
  override tiles(): Promise<Buffer[]> {
    return Promise.reject(new Error('there are no tiles'));
  }

  override placeOf(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override entries(): Promise<LogEntry[]> {
    return Promise.resolve([]);
  }
}

/** Keeps nothing of what API servers say. */
export class NoBypasses extends BypassStore {
  override write(): Promise<boolean> {
    return Promise.resolve(true);
  }

  override isAdded(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override keepEarly(): Promise<void> {
    return Promise.resolve();
  }

  override early(): Promise<[]> {
    return Promise.resolve([]);
  }

  override position(): Promise<number> {
    return Promise.resolve(0);
  }

  override moveTo(): Promise<void> {
    return Promise.resolve();
  }
}

/** Reads a log in which nothing has a place. */
export function readNothing(audit: AuditLog, clock: Clock): ReadLog {
  return new ReadLog({ store: new EmptyLog(), audit, clock, origin: 'none.example', signers: [] });
}

/** Finds nothing. */
class EmptyIndex extends AuditIndex {
  override search(): Promise<FoundRecord[]> {
    return Promise.resolve([]);
  }

  override counts(): Promise<Counts> {
    return Promise.resolve({ groups: [], total: 0, more: false });
  }

  override sessions(): Promise<FoundSessions> {
    return Promise.resolve({ ids: [], more: false });
  }

  override size(): Promise<number> {
    return Promise.resolve(0);
  }

  override unfound(): Promise<[]> {
    return Promise.resolve([]);
  }

  override add(): Promise<void> {
    return Promise.resolve();
  }
}

/** Searches a log in which nothing is found. */
export function searchNothing(log: AuditLog, clock: Clock): SearchAudit {
  return new SearchAudit({ index: new EmptyIndex(), log, clock });
}

/** No saved reviews, and none can be opened. */
class NoAuditReviews extends AuditReviewStore {
  override find(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override findByKey(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override known(): Promise<[]> {
    return Promise.resolve([]);
  }

  override open(): Promise<never> {
    return Promise.reject(new Error('nothing is opened here'));
  }

  override list(): Promise<[]> {
    return Promise.resolve([]);
  }

  override sessions(): Promise<[]> {
    return Promise.resolve([]);
  }

  override signOff({ id }: { readonly id: string }): Promise<Problem> {
    return Promise.resolve(noReview(id));
  }

  override close({ id }: { readonly id: string }): Promise<Problem> {
    return Promise.resolve(noReview(id));
  }
}

export function reviewNothing(store: SessionStore, clock: Clock): AuditReviewUses {
  return auditReviewUses({ reviews: new NoAuditReviews(), index: new EmptyIndex(), store, clock });
}

/** Reports of nobody who broke any glass. */
export function reportNoGlass(
  deps: Pick<ConstructorParameters<typeof ReportBreakGlass>[0], 'reviews' | 'log' | 'clock'>,
): ReportBreakGlass {
  const report = { broken: () => Promise.resolve([]) };
  return new ReportBreakGlass({ ...deps, report, auditReviews: new NoAuditReviews() });
}

/** Reports of nobody who had any access. */
export function reportNothing(log: AuditLog, clock: Clock): ReportAccess {
  return new ReportAccess({ report: { lines: () => Promise.resolve([]) }, log, clock });
}

/** Delivers to nowhere. */
export function tendNothing(clock: Clock): TendSinks {
  return new TendSinks({
    sinks: [],
    cursors: { standings: () => Promise.resolve([]) },
    letters: { list: () => Promise.resolve([]), replay: () => Promise.resolve(0) },
    clock,
  });
}

/** Holds nothing. */
export function holdNothing(store: Pick<SessionStore, 'find'>, clock: Clock): HoldAudit {
  const holds = {
    standing: () => Promise.resolve([]),
    find: () => Promise.resolve(undefined),
    place: () => Promise.resolve(),
    release: () => Promise.resolve(false),
  };
  return new HoldAudit({ holds, store, clock });
}

/** Lets no API server in. */
export function receiveNothing(deps: ConstructorParameters<typeof DetectBypass>[0]): ReceiveAudit {
  return new ReceiveAudit({ detect: new DetectBypass(deps), clusters: [] });
}

/** A log in which no session has an event. */
class EmptySessionLog extends SessionLog {
  override extent(): Promise<{ events: number; bytes: number }> {
    return Promise.resolve({ events: 0, bytes: 0 });
  }

  override entries(): Promise<SessionEntry[]> {
    return Promise.resolve([]);
  }
}

/** Takes evidence from a log in which nothing has a place, and does not wait for that. */
export function takeNothing(
  deps: Pick<TakeEvidenceDeps, 'store' | 'recordings' | 'reviews' | 'policies' | 'audit' | 'clock'>,
): TakeEvidence {
  return new TakeEvidence({
    ...deps,
    sessionLog: new EmptySessionLog(),
    log: new EmptyLog(),
    archives: new TarArchives(),
    decompress,
    origin: 'none.example',
    signers: [],
    patienceMs: 0,
  });
}
