import type { NoticeBody, NoticeSession } from '../../contract/notice.schema.js';
import { BrokenGlassNews, IncidentNews } from '../../contract/news.schema.js';
import type { NoticeKind } from '../../domain/notice/notice.kinds.js';
import { noticeRow } from '../../domain/notice/notice.kinds.js';
import type { Session } from '../../domain/session/session.js';
import { concernedPeople } from '../../domain/session/session.js';
import { plainText } from '../../domain/text.js';
import type { News } from '../ports/outbox.js';
import { personView } from './person.view.js';

/** What a bypass says of itself in the news. */
const BYPASS_FACTS = ['why', 'use', 'pod', 'agent', 'receivedAt'] as const;

/** What a channel is told of news: of the session as it is now. */
export function noticeBody(args: {
  readonly news: Pick<News, 'id' | 'topic' | 'payload' | 'at'>;
  readonly kind: NoticeKind;
  readonly session: Session | undefined;
  readonly publicUrl: string;
}): NoticeBody {
  const { news, kind, session, publicUrl } = args;
  const { urgency, title, sentence } = noticeRow(kind);
  const bypass = news.topic === 'bypass' ? record(record(news.payload)['bypass']) : {};
  return {
    id: `notice_${news.id}`,
    kind,
    urgency,
    title,
    sentence,
    at: news.at.toISOString(),
    cluster: session?.request.cluster ?? text(bypass['cluster']),
    namespace: session?.request.namespace ?? text(bypass['namespace']),
    session: session ? noticeSession(session) : null,
    details: detailsOf(news.payload, bypass),
    url: session ? `${publicUrl}/sessions/${session.id}` : null,
  };
}

function detailsOf(
  payload: unknown,
  bypass: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const broken = BrokenGlassNews.safeParse(payload);
  if (broken.success) return { reviewDueAt: broken.data.brokenGlass.reviewDueAt };
  const incident = IncidentNews.safeParse(payload);
  if (incident.success) return incident.data.details;
  const facts = BYPASS_FACTS.flatMap((key) => {
    const value = text(bypass[key]);
    return value === null ? [] : [[key, value] as const];
  });
  const user = text(record(bypass['user'])['name']);
  return Object.fromEntries(user === null ? facts : [...facts, ['user', user]]);
}

function noticeSession(session: Session): NoticeSession {
  const { request, pin, grant } = session;
  const { groups, users } = concernedPeople(session);
  const { target } = request;
  return {
    id: session.id,
    state: session.state,
    requester: personView(session.requester),
    cluster: request.cluster,
    namespace: request.namespace,
    target: target.kind === 'pod' ? target.name : `${target.workload}/${target.name}`,
    pod: pin?.podName ?? null,
    container: request.container ?? null,
    profile: request.profile,
    durationSeconds: request.durationSeconds,
    reason: request.reason,
    ticket: request.ticket ?? null,
    rule: grant?.rule ?? null,
    breakGlass: request.breakGlass,
    asked: { groups: [...groups], users: [...users] },
    createdAt: session.createdAt.toISOString(),
    startedAt: iso(session.startedAt),
    deadline: iso(session.deadlineAt),
    endedAt: iso(session.endedAt),
    endReason: session.endReason,
    endDetail: session.endDetail,
  };
}

function iso(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? plainText(value, 500) : null;
}
