import { noticeOf } from '../domain/notice/notice.of.js';
import type { Subscription, Whereabouts } from '../domain/notice/subscription.js';
import { isIn, wants } from '../domain/notice/subscription.js';
import type { Session } from '../domain/session/session.js';
import { parseSessionId } from '../domain/session/session.js';
import { requirementsOf } from '../domain/policy/policy.js';
import type { NoticeStore } from './ports/notice.store.js';
import type { News } from './ports/outbox.js';
import { Notifier } from './ports/outbox.js';
import type { SessionStore } from './ports/session.store.js';
import { noticeBody } from './views/notice.view.js';

/** Makes of each news a notice for each channel that wants it. Routed twice it makes them once. */
export class RouteNews extends Notifier {
  constructor(
    private readonly deps: {
      readonly subscriptions: readonly Subscription[];
      /** Channels that keep alarms: they are told what is over, whatever they want besides. */
      readonly alarmChannels: ReadonlySet<string>;
      readonly notices: NoticeStore;
      readonly store: Pick<SessionStore, 'find'>;
      readonly publicUrl: string;
    },
  ) {
    super();
  }

  async tell(news: News): Promise<void> {
    const { subscriptions, alarmChannels, notices, store, publicUrl } = this.deps;
    const notice = noticeOf(news);
    if (!notice || subscriptions.length === 0) return;
    const id = news.sessionId === null ? undefined : parseSessionId(news.sessionId);
    const session = id && (await store.find(id));
    const body = noticeBody({ news, kind: notice.kind, session, publicUrl });
    const where: Whereabouts = {
      cluster: body.cluster,
      namespace: body.namespace,
      autoGranted: session !== undefined && isAutoGranted(session),
    };
    const wanting = new Set(
      subscriptions.filter((it) => wants(it, notice.kind, where)).map(({ channel }) => channel),
    );
    const closing = new Set(
      subscriptions
        .filter(({ channel }) => alarmChannels.has(channel) && !wanting.has(channel))
        .filter((it) => notice.closes.length > 0 && isIn(it, where))
        .map(({ channel }) => channel),
    );
    await notices.add(
      [...wanting, ...closing].map((channel) => ({
        ...notice,
        newsId: news.id,
        channel,
        body,
        onlyClosing: closing.has(channel),
      })),
    );
  }
}

/** Whether policy alone let it in. */
function isAutoGranted({ grant, request }: Session): boolean {
  return grant !== null && !request.breakGlass && requirementsOf(grant).length === 0;
}
