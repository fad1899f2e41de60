import type { Identity, Person } from '../person.js';
import { isAmong, samePerson } from '../person.js';
import type { Grant, People } from '../policy/policy.js';
import type { Session, SessionId } from '../session/session.js';

/** What a reviewer may find of a break-glass session: right, needless though meant well, or wrong. */
export const FINDINGS = ['justified', 'avoidable', 'misuse'] as const;
export type Finding = (typeof FINDINGS)[number];

/** A reviewer's word on a break-glass session. It is said once and stays. */
export interface Review {
  readonly person: Person;
  readonly finding: Finding;
  readonly comment: string;
  readonly at: Date;
}

/** What a break-glass session owes, and what was paid of it: `review` is null until somebody has reviewed it. */
export interface Owed {
  readonly sessionId: SessionId;
  /** Who broke the glass. */
  readonly debtor: Identity;
  /** The team whose next break-glass it blocks once it is overdue; null: that of the debtor alone. */
  readonly team: string | null;
  readonly dueAt: Date;
  readonly review: Review | null;
}

/** A review is due soon in the last quarter of its time. */
const SOON = 0.25;

/** Whether the review should have been there by now. */
export function isOverdue(owed: Pick<Owed, 'dueAt' | 'review'>, now: Date): boolean {
  return owed.review === null && owed.dueAt <= now;
}

/** Whether it is in the last part of its time, from asking to when it is due. */
export function isDueSoon(
  owed: Pick<Owed, 'dueAt' | 'review'>,
  { createdAt }: Pick<Session, 'createdAt'>,
  now: Date,
): boolean {
  const due = owed.dueAt.getTime();
  const soonFrom = due - SOON * (due - createdAt.getTime());
  return owed.review === null && !isOverdue(owed, now) && now.getTime() >= soonFrom;
}

/** Who is to review it by the terms of its grant; nobody where the glass was not broken. Auditors may besides. */
export function reviewersOf(grant: Grant | null): People {
  return (grant?.breakGlass ? grant.terms.breakGlass?.review : null) ?? { groups: [], users: [] };
}

/** Whether somebody is one of its reviewers: never who broke the glass, by whatever account of theirs. */
export function isReviewer(
  { requester, grant }: Pick<Session, 'requester' | 'grant'>,
  { person, isAuditor }: { readonly person: Person; readonly isAuditor: boolean },
): boolean {
  if (grant?.breakGlass !== true || samePerson(person, requester)) return false;
  return isAuditor || isAmong(person, reviewersOf(grant));
}

/** Who must learn at once that the glass was broken: all who would have had a say, later ones too, and who reviews. */
export function toldOfBrokenGlass({ terms }: Grant): People {
  const { require, escalation } = terms.approvals;
  const all: readonly (People | null | undefined)[] = [
    ...require,
    escalation,
    terms.breakGlass?.review,
  ];
  return {
    groups: [...new Set(all.flatMap((it) => it?.groups ?? []))],
    users: [...new Set(all.flatMap((it) => it?.users ?? []))],
  };
}
