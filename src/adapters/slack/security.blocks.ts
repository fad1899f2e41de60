import type { SlackStory } from '../../app/ports/post.renderer.js';
import type { SlackContent } from '../../app/ports/slack.api.js';
import { displayName } from '../../domain/person.js';
import { BUTTONS } from './button.value.js';
import { facts, profileText, requesterOf, targetOf } from './session.parts.js';
import { actions, header, quote, section } from './slack.blocks.js';
import { code, escaped, instant } from './slack.text.js';
import { stateLine } from './state.line.js';

/** What security sees of a session that it has to know of, for its whole life. */
export function securityContent(story: SlackStory, url: string): SlackContent {
  const { session } = story;
  const { grant } = session;
  const title = grant?.breakGlass ? 'The glass was broken' : 'A session will not end';
  return {
    text: escaped(`${title}: ${displayName(session.requester)} on ${targetOf(session)}`, 1_000),
    blocks: [
      header(`${title}: ${targetOf(session)}`),
      section(stateLine(story)),
      section(`*Who* ${requesterOf(session)}`),
      quote(session.request.reason),
      facts(story),
      ...(grant ? [section(profileText(grant))] : []),
      ...(story.owed ? [section(reviewLine(story))] : []),
      actions({ action: BUTTONS.open, text: 'Open', url }),
    ],
  };
}

function reviewLine({ owed, isDueSoon, isOverdue }: SlackStory): string {
  if (owed?.review) {
    const { person, finding } = owed.review;
    return `:memo: Reviewed by ${code(displayName(person), 200)}: *${finding}*`;
  }
  const due = owed ? instant(owed.dueAt) : '';
  if (isOverdue) return `:rotating_light: *Its review is overdue* since ${due}`;
  return isDueSoon
    ? `:hourglass: *Its review is due soon*: ${due}`
    : `:memo: Its review is due ${due}`;
}

const ALARMS: Readonly<Record<string, string>> = {
  overrun: 'Its container does not end.',
  review: 'Its review is overdue.',
};

/** What has to be heard of: an update of the message above makes no sound. */
export function alarmContent(about: string): SlackContent {
  const text = ALARMS[about] ?? 'Look at this session.';
  return { text, blocks: [section(`:rotating_light: ${text}`)] };
}
