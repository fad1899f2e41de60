import type { NoticeBody } from '../../../contract/notice.schema.js';
import { cut, noticeLines } from '../../../app/views/notice.lines.js';

/** Of a whole message, by Microsoft's word. */
export const CARD_BYTES_MAX = 28 * 1024;
const VALUE_CHARACTERS_MAX = 2_000;

/**
 * A message with an Adaptive Card 1.4, as JSON, within Teams' limit. What people wrote is in text runs, in which nothing
 * is Markdown; text blocks, where links and emphasis are read, hold only words of ours.
 */
export function cardMessage(body: NoticeBody): string {
  for (let charactersMax = VALUE_CHARACTERS_MAX; ; charactersMax = Math.floor(charactersMax / 2)) {
    const message = JSON.stringify(messageOf(body, charactersMax));
    if (Buffer.byteLength(message) <= CARD_BYTES_MAX || charactersMax < 2) return message;
  }
}

function messageOf(body: NoticeBody, charactersMax: number): object {
  const { headline, sentence, lines, url } = noticeLines(body);
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            runs([{ text: cut(headline, 300), weight: 'Bolder', size: 'Medium' }]),
            { type: 'TextBlock', text: sentence, wrap: true },
            ...lines.map(({ label, value }) =>
              runs([{ text: `${label}: `, weight: 'Bolder' }, { text: cut(value, charactersMax) }]),
            ),
          ],
          ...(url === null
            ? {}
            : { actions: [{ type: 'Action.OpenUrl', title: 'Open in Hallpass', url }] }),
        },
      },
    ],
  };
}

function runs(inlines: readonly { readonly text: string; readonly [more: string]: string }[]) {
  return {
    type: 'RichTextBlock',
    inlines: inlines.map((inline) => ({ type: 'TextRun', ...inline })),
  };
}
