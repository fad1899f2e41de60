import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NoticeBody } from '../../../contract/notice.schema.js';
import { NOTICE_KINDS, noticeRow } from '../../../domain/notice/notice.kinds.js';
import type { NoticeKind } from '../../../domain/notice/notice.kinds.js';
import { CARD_BYTES_MAX, cardMessage } from './notice.card.js';
import { noticeHtml } from './notice.html.js';
import { noticeLines } from '../../../app/views/notice.lines.js';
import { noticeText } from './notice.text.js';

const AT = '2026-11-28T03:00:00.000Z';
const KINDS = Object.keys(NOTICE_KINDS) as NoticeKind[];

function body(kind: NoticeKind, over: { reason?: string; endDetail?: string } = {}): NoticeBody {
  const { urgency, title, sentence } = noticeRow(kind);
  return {
    id: 'notice_1',
    kind,
    urgency,
    title,
    sentence,
    at: AT,
    cluster: 'prod',
    namespace: 'payments',
    details: { reviewDueAt: AT },
    url: 'https://hallpass.example.com/sessions/0123456789abcdef',
    session: {
      id: '0123456789abcdef',
      state: 'pending',
      requester: { sub: 'robin', name: 'Robin Requester' },
      cluster: 'prod',
      namespace: 'payments',
      target: 'Deployment/checkout',
      pod: 'checkout-1',
      container: null,
      profile: 'shell',
      durationSeconds: 1800,
      reason: 'pool exhausted',
      ticket: 'INC-7',
      rule: 'payments',
      breakGlass: false,
      asked: { groups: ['leads'], users: [] },
      createdAt: AT,
      startedAt: null,
      deadline: null,
      endedAt: null,
      endReason: null,
      endDetail: null,
      ...over,
    },
  };
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '</td></tr></table><img src=x onerror=alert(1)>',
  '"><a href="https://evil.example">Open in Hallpass</a>',
  '[Open in Hallpass](https://evil.example) **bold** <at>everyone</at>',
  'ok\nOpen in Hallpass: https://evil.example',
  'ok\r\nBcc: everybody@example.com',
  '\u202egnp.exe \u200b\u2066x\u2069 \ufeff',
];

describe.each(KINDS)('a message of %s', (kind) => {
  test('says what it is, who, where, why and where more is, in each medium', () => {
    const { title, sentence } = noticeRow(kind);
    for (const shown of [noticeText, noticeHtml, cardMessage].map((it) => it(body(kind)))) {
      for (const said of [title, sentence, 'payments', 'Robin Requester', 'pool exhausted']) {
        expect(shown).toContain(said);
      }
      expect(shown).toContain('https://hallpass.example.com/sessions/0123456789abcdef');
    }
  });

  test('says as much without a session', () => {
    const bare = { ...body(kind), session: null, cluster: null, namespace: null, url: null };
    for (const shown of [noticeText, noticeHtml, cardMessage].map((it) => it(bare))) {
      expect(shown).toContain(noticeRow(kind).title);
      expect(shown).not.toContain('null:');
    }
  });
});

describe('what people wrote', () => {
  test.each(HOSTILE)('%j stays text in HTML: no tag and no link comes of it', (reason) => {
    const tags = (html: string) => html.match(/<[^>]*>/g);
    expect(tags(noticeHtml(body('break-glass', { reason })))).toEqual(
      tags(noticeHtml(body('break-glass'))),
    );
  });

  test.each(HOSTILE)('%j makes no line of its own in plain text', (reason) => {
    const lines = noticeText(body('break-glass', { reason })).split('\n');
    expect(lines.filter((it) => it.startsWith('Open in Hallpass:'))).toHaveLength(1);
    expect(lines.some((it) => /^(Bcc|ok)/.test(it))).toBe(false);
  });

  test.each(HOSTILE)('%j is in a card only where nothing is Markdown', (reason) => {
    const card = JSON.parse(cardMessage(body('break-glass', { reason }))) as object;
    const blocks = JSON.stringify(card).match(/\{"type":"TextBlock".*?\}/g) ?? [];
    expect(blocks).toHaveLength(1);
    expect(blocks[0]).toContain(noticeRow('break-glass').sentence);
  });

  test('that nobody sees is shown', () => {
    const text = noticeText(body('break-glass', { reason: 'a\u202eb\u200bc\u0007\u{e0041}' }));
    expect(text).toContain('a[U+202E]b[U+200B]c[U+0007][U+E0041]');
  });

  test('is never more than a medium takes, and the headline is one line, whatever it is', () => {
    const written = fc.string({ unit: 'binary', maxLength: 3_000 });
    fc.assert(
      fc.property(written, written, (reason, endDetail) => {
        const it = body('break-glass', { reason, endDetail });
        expect(Buffer.byteLength(cardMessage(it))).toBeLessThanOrEqual(CARD_BYTES_MAX);
        expect(noticeLines(it).headline).not.toMatch(/[\r\n]/);
        const shown = noticeLines(it).lines.map(({ value }) => value);
        expect(shown.join('')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u200b]/);
      }),
      { numRuns: 60 },
    );
  });
});
