import type { Notice, Told } from '../../app/ports/channel.js';
import { Channel } from '../../app/ports/channel.js';
import type { ChannelOf } from '../../config/notifications.section.js';
import type { Secret } from '../../config/secret.js';
import { away, GuardedPost, isTaken } from './guarded.post.js';
import { cut, noticeLines } from '../../app/views/notice.lines.js';

const SUMMARY_CHARACTERS_MAX = 1024;
const REFUSALS: ReadonlySet<number> = new Set([400, 413]);

/** Alarms in PagerDuty (Events API v2): raised by what must wake somebody, resolved when it is over. */
export class PagerDutyChannel extends Channel {
  readonly kind = 'pagerduty';
  readonly name: string;
  readonly fingerprint: string;
  private readonly http: GuardedPost;
  private readonly key: Secret;

  constructor(config: ChannelOf<'pagerduty'>) {
    super();
    this.name = config.name;
    this.fingerprint = config.fingerprint;
    this.key = config.routingKey;
    this.http = new GuardedPost(() => config.url, config);
  }

  /** What was sent before one of several failed is sent again: the same event twice is one to PagerDuty. */
  override async tell(notice: Notice, signal: AbortSignal): Promise<Told> {
    for (const event of eventsOf(notice)) {
      const body = JSON.stringify({ routing_key: this.key.reveal(), ...event });
      const answer = await this.http.post(body, {}, signal);
      if (isTaken(answer)) continue;
      if (REFUSALS.has(answer.status)) return { refused: `PagerDuty answered ${answer.status}` };
      away(answer);
    }
    return 'taken';
  }

  override close(): Promise<void> {
    return this.http.close();
  }
}

function eventsOf(notice: Notice): object[] {
  const { alarm, closes, kind, body } = notice;
  const resolved = closes.map((it) => ({ event_action: 'resolve', dedup_key: dedupKey(it) }));
  if (alarm === null) return resolved;
  const { headline, lines } = noticeLines(body);
  const trigger = {
    event_action: 'trigger',
    dedup_key: dedupKey(alarm),
    payload: {
      summary: cut(headline, SUMMARY_CHARACTERS_MAX),
      source: body.cluster ?? 'hallpass',
      severity: kind === 'test' ? 'info' : 'critical',
      timestamp: body.at,
      component: 'hallpass',
      class: kind,
      custom_details: Object.fromEntries(lines.map(({ label, value }) => [label, value])),
    },
    ...(body.url === null ? {} : { links: [{ href: body.url, text: 'Open in Hallpass' }] }),
  };
  // A test wakes nobody for longer than it takes.
  const over = { event_action: 'resolve', dedup_key: dedupKey(alarm) };
  return [...resolved, trigger, ...(kind === 'test' ? [over] : [])];
}

function dedupKey(alarm: string): string {
  return `hallpass-${alarm}`.slice(0, 255);
}
