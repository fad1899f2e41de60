import { onTestFinished } from 'vitest';
import type { Channel, Notice } from '../../src/app/ports/channel.js';
import { ChannelAway } from '../../src/app/ports/channel.js';
import type { ChannelConfig } from '../../src/config/notifications.section.js';
import { noticeRow } from '../../src/domain/notice/notice.kinds.js';
import type { NoticeKind } from '../../src/domain/notice/notice.kinds.js';
import { channelOf } from '../../src/notice.desk.js';
import { httpReceiver } from '../support/sink.receivers.js';

export const AT = '2026-11-28T03:00:00.000Z';
export const never = new AbortController().signal;

/** A notice with words in it that somebody chose with care. */
export function notice(kind: NoticeKind = 'break-glass', over: Partial<Notice> = {}): Notice {
  const { urgency, title, sentence } = noticeRow(kind);
  return {
    id: 7n,
    kind,
    thread: 'session-0123456789abcdef',
    alarm: urgency === 'wake' ? `${kind}-0123456789abcdef` : null,
    closes: [],
    body: {
      id: 'notice_7',
      kind,
      urgency,
      title,
      sentence,
      at: AT,
      cluster: 'prod',
      namespace: 'payments',
      session: null,
      details: { why: 'ok\r\nBcc: everybody@example.com\r\n\r\n<b>hello</b>' },
      url: 'https://hallpass.example.com/sessions/0123456789abcdef',
    },
    ...over,
  };
}

/** Closed when the test is over. */
export function channel(config: ChannelConfig): Channel {
  const made = channelOf(config);
  onTestFinished(() => made.close());
  return made;
}

/** Answers every POST so. */
export async function receiver(status: number, headers: Record<string, string> = {}) {
  const opened = await httpReceiver(() => ({ status, headers }));
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

/** How a channel was away; undefined where it was not. */
export const failure = (told: Promise<unknown>) =>
  told.then(
    () => undefined,
    (error: unknown) => (error instanceof ChannelAway ? error : undefined),
  );
