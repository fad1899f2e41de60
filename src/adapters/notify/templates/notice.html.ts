import type { NoticeBody } from '../../../contract/notice.schema.js';
import { escaped } from '../../../app/views/html.text.js';
import { noticeLines } from '../../../app/views/notice.lines.js';

/** A notice as HTML for mail: nothing in it is fetched, and there is one link, which is ours. */
export function noticeHtml(body: NoticeBody): string {
  const { headline, sentence, lines, url } = noticeLines(body);
  const rows = lines.map(
    ({ label, value }) =>
      `<tr><th align="left" valign="top" style="padding:2px 12px 2px 0">${escaped(label)}</th>` +
      `<td style="padding:2px 0;white-space:pre-wrap">${escaped(value)}</td></tr>`,
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${escaped(headline)}</title></head>`,
    '<body style="font-family:sans-serif">',
    `<h1 style="font-size:18px">${escaped(headline)}</h1>`,
    `<p>${escaped(sentence)}</p>`,
    `<table style="border-collapse:collapse;font-size:14px">${rows.join('')}</table>`,
    url === null ? '' : `<p><a href="${escaped(url)}">Open in Hallpass</a></p>`,
    '</body></html>',
    '',
  ].join('\n');
}
