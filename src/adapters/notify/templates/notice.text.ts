import type { NoticeBody } from '../../../contract/notice.schema.js';
import { noticeLines } from '../../../app/views/notice.lines.js';

/** A notice as plain text. Lines of a value are set in, so that none looks like one of ours. */
export function noticeText(body: NoticeBody): string {
  const { headline, sentence, lines, url } = noticeLines(body);
  return [
    headline,
    sentence,
    '',
    ...lines.map(({ label, value }) => `${label}: ${value.replaceAll('\n', '\n    ')}`),
    ...(url === null ? [] : ['', `Open in Hallpass: ${url}`]),
    '',
  ].join('\n');
}
