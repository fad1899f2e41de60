import { auditEntry } from '../domain/audit/entry.js';
import type { Caller } from './caller.js';
import type {
  AuditFilter,
  AuditIndex,
  CountedBy,
  Counts,
  FoundRecord,
} from './ports/audit.index.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';

/** How many events are counted at most: more take longer than somebody waits. */
const COUNTED_MAX = 1_000_000;
const GROUPS_MAX = 200;

/** Finding what happened, which is itself an event, written before anything is shown. */
export class SearchAudit {
  constructor(
    private readonly deps: {
      readonly index: AuditIndex;
      readonly log: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /** A page of what is found, the newest places first. */
  async page(
    caller: Caller,
    filter: AuditFilter,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<{ readonly records: readonly FoundRecord[]; readonly more: boolean }> {
    await this.tell(caller, filter, page);
    const found = await this.deps.index.search(filter, { ...page, limit: page.limit + 1 });
    return { records: found.slice(0, page.limit), more: found.length > page.limit };
  }

  /** How many there are of each. */
  async counts(caller: Caller, filter: AuditFilter, by: CountedBy): Promise<Counts> {
    await this.tell(caller, filter, { by });
    return this.deps.index.counts(filter, { by, groups: GROUPS_MAX, among: COUNTED_MAX });
  }

  private async tell(
    { actor }: Caller,
    { from, until, ...filter }: AuditFilter,
    how: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.deps.log.append(
      auditEntry({
        at: this.deps.clock.now(),
        action: 'audit.searched',
        outcome: 'success',
        actor,
        data: {
          filter: { ...filter, from: from?.toISOString(), until: until?.toISOString() },
          ...how,
        },
      }),
    );
  }
}
