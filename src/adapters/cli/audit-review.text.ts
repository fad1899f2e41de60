import type { AuditReviewDetails, AuditReviewView } from '../../contract/audit-review.schema.js';
import type { Running } from './client.command.js';
import { distanceText, timeText } from './person.time.js';
import type { Line, Span } from './styled.text.js';
import { facts, styled, table } from './styled.text.js';

/** Saved reviews, a line each. */
export function reviewTable(reviews: readonly AuditReviewView[], running: Running): Line[] {
  return table(
    ['ID', 'STATE', 'DUE', 'SIGNED OFF', 'CONCERNS', 'VIOLATIONS', 'TITLE'],
    reviews.map((it) => [
      it.id,
      stateOf(it),
      distanceText(new Date(it.dueAt), running.moment.now),
      `${it.signedOff} of ${it.sessions}`,
      String(it.findings.concern),
      String(it.findings.violation),
      it.title,
    ]),
  );
}

/** All about one. */
export function reviewLines(review: AuditReviewView, running: Running): Line[] {
  const { closed, filter, findings } = review;
  return facts([
    ['Review', review.id],
    ['Title', styled('bold', review.title)],
    ['State', stateOf(review)],
    ['Due', timeText(review.dueAt, running.moment)],
    ['Opened', `${timeText(review.openedAt, running.moment)} by ${review.openedBy.sub}`],
    ['Found by', filter ? filterText(filter) : 'named one by one'],
    ['Signed off', `${review.signedOff} of ${review.sessions}: ${findings['in-order']} in order, ${findings.concern} concerns, ${findings.violation} violations`], // prettier-ignore
    ['Closed', closed ? `${timeText(closed.at, running.moment)} by ${closed.by.sub}` : undefined],
    ['Because', closed?.reason ?? undefined],
  ]);
}

/** Its sessions. */
export function reviewItems(
  items: readonly AuditReviewDetails['items'][number][],
  running: Running,
): Line[] {
  return table(
    ['SESSION', 'WHO', 'NAMESPACE', 'ASKED', 'FINDING', 'BY', 'COMMENT'],
    items.map(({ session, signOff, maySignOff }) => [
      session.id,
      session.requester.email ?? session.requester.sub,
      `${session.request.cluster}/${session.request.namespace}`,
      distanceText(new Date(session.createdAt), running.moment.now),
      signOff ? findingSpan(signOff.finding) : maySignOff ? '-' : 'for others',
      signOff?.by.sub ?? '',
      signOff?.comment ?? '',
    ]),
  );
}

function findingSpan(finding: string): Span {
  return finding === 'in-order'
    ? finding
    : styled(finding === 'concern' ? 'yellow' : 'red', finding);
}

function stateOf({ state, overdue }: AuditReviewView): Span {
  return overdue ? styled('red', 'overdue') : state;
}

function filterText(filter: object): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name}=${String(value)}`);
  return parts.length === 0 ? 'all events' : parts.join(' ');
}
