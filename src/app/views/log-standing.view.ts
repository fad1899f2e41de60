import type { AnchorStanding } from '../compare-anchors.js';
import type { Parted } from '../sequence-log.js';

/** What a replica knows of the audit log. */
export interface AuditState {
  readonly parted: Parted | undefined;
  /** The anchors that must be compared before anything is signed; none once each was. */
  readonly waitsFor: readonly string[];
  readonly inspected: {
    readonly events: number;
    readonly passes: number;
    readonly misfiled: number;
  };
  readonly anchors: readonly AnchorStanding[];
}

/** Whether all of the log was looked at since the replica started, nothing was wrong, and it is signed. */
export function isWholeLog({
  parted,
  waitsFor,
  inspected,
}: Pick<AuditState, 'parted' | 'waitsFor' | 'inspected'>): boolean {
  return parted === undefined && waitsFor.length === 0 && inspected.passes > 0;
}

/** What readiness says of the audit log: sessions go on where nothing is signed, and an operator must know. */
export function logReadiness({
  parted,
  waitsFor,
}: Pick<AuditState, 'parted' | 'waitsFor'>): true | { ok: true; note: string } {
  if (parted === undefined) {
    if (waitsFor.length === 0) return true;
    const names = waitsFor.join(', ');
    return { ok: true, note: `nothing is signed before these anchors were compared: ${names}` };
  }
  const since = parted.since.toISOString();
  return { ok: true, note: `nothing is signed since ${since}: ${parted.why}` };
}
