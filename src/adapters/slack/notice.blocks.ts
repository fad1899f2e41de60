import type { SlackContent } from '../../app/ports/slack.api.js';
import { noticeLines } from '../../app/views/notice.lines.js';
import type { NoticeBody } from '../../contract/notice.schema.js';
import type { Urgency } from '../../domain/notice/notice.kinds.js';
import { BUTTONS } from './button.value.js';
import { actions, fields, header, section } from './slack.blocks.js';
import { escaped } from './slack.text.js';

const FIELDS_MAX = 10;
const SIGNS: Readonly<Record<Urgency, string>> = {
  wake: ':rotating_light:',
  normal: ':warning:',
  quiet: ':information_source:',
};

/** What the security channel is told that is no session's. */
export function noticeContent(body: NoticeBody): SlackContent {
  const { headline, sentence, lines, url } = noticeLines(body);
  const told = lines.map(
    ({ label, value }) => [escaped(label, 200), escaped(value, 1_500)] as const,
  );
  const groups = Array.from({ length: Math.ceil(told.length / FIELDS_MAX) }, (_, group) =>
    fields(told.slice(group * FIELDS_MAX, (group + 1) * FIELDS_MAX)),
  );
  return {
    text: escaped(headline, 1_000),
    blocks: [
      header(headline),
      section(`${SIGNS[body.urgency]} ${escaped(sentence, 1_000)}`),
      ...groups,
      ...(url === null ? [] : [actions({ action: BUTTONS.open, text: 'Open', url })]),
    ],
  };
}
