import type { AnchorStanding } from '../compare-anchors.js';
import type { Parted } from '../sequence-log.js';

/** What a replica knows of the audit log. */
export interface AuditState {
  readonly parted: Parted | undefined;
  readonly inspected: {
    readonly events: number;
    readonly passes: number;
    readonly misfiled: number;
  };
  readonly anchors: readonly AnchorStanding[];
}

/** What readiness says of the audit log: sessions go on where nothing is signed, and an operator must know. */
export function logReadiness({ parted }: AuditState): true | { ok: true; note: string } {
  if (parted === undefined) return true;
  const since = parted.since.toISOString();
  return { ok: true, note: `nothing is signed since ${since}: ${parted.why}` };
}
