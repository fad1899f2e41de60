import type { SlackStory } from '../../app/ports/post.renderer.js';
import type { SlackBlock, SlackContent } from '../../app/ports/slack.api.js';
import { displayName } from '../../domain/person.js';
import { countsInSlack } from '../../domain/policy/policy.js';
import type { DecisionRecord } from '../../app/ports/session.store.js';
import { BUTTONS, buttonValue } from './button.value.js';
import { facts, historyText, profileText, requesterOf, targetOf } from './session.parts.js';
import { actions, context, header, quote, section } from './slack.blocks.js';
import type { Button } from './slack.blocks.js';
import { code, escaped } from './slack.text.js';
import { stateLine } from './state.line.js';

/** What those who may consent see of a request, for its whole life. */
export function requestContent(story: SlackStory, pageUrl: string): SlackContent {
  const { session } = story;
  const { request, grant } = session;
  const history = historyText(story);
  return {
    text: escaped(
      `${displayName(session.requester)} asks for ${targetOf(session)}: ${request.reason}`,
      1_000,
    ),
    blocks: [
      header(`Debug access to ${targetOf(session)}`),
      section(stateLine(story)),
      section(`*Who* ${requesterOf(session)}`),
      quote(request.reason),
      facts(story),
      ...(grant ? [section(profileText(grant))] : []),
      ...(history === undefined ? [] : [context(history)]),
      buttons(story, pageUrl),
    ],
  };
}

function buttons({ session }: SlackStory, url: string): SlackBlock {
  const open: Button = { action: BUTTONS.open, text: 'Open', url };
  if (session.state !== 'pending' || session.grant === null) return actions(open);
  const value = buttonValue(session);
  const deny: Button = { action: BUTTONS.deny, text: 'Deny…', value, style: 'danger' };
  const asksWhy = session.grant.terms.approvals.commentRequired;
  const approve: Button = {
    action: BUTTONS.approve,
    text: asksWhy ? 'Approve…' : 'Approve',
    value: buttonValue(session, asksWhy),
    style: 'primary',
  };
  return countsInSlack(session.grant)
    ? actions(approve, deny, open)
    : actions({ ...open, text: 'Sign in to approve', style: 'primary' }, deny);
}

/** How a word is told, under the request. */
const SAID = {
  approve: ':white_check_mark: approved',
  deny: ':no_entry: refused',
  retract: ':leftwards_arrow_with_hook: took their consent back',
} as const;

/** One person's word, under the request. */
export function wordContent({ verdict, person, comment }: DecisionRecord): SlackContent {
  const who = person === null ? 'Somebody' : displayName(person);
  const said = verdict in SAID ? SAID[verdict as keyof typeof SAID] : 'decided';
  return {
    text: escaped(`${who} ${said.replace(/^:\w+: /, '')}`, 500),
    blocks: [section(`${code(who, 200)} ${said}`), ...(comment === null ? [] : [quote(comment)])],
  };
}
