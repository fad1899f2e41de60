import type { SlackStory } from '../../app/ports/post.renderer.js';
import type { SlackBlock, SlackContent } from '../../app/ports/slack.api.js';
import { extensionsLeft } from '../../domain/session/extension.js';
import { BUTTONS, buttonValue } from './button.value.js';
import { targetOf } from './session.parts.js';
import { actions, command, context, fields, header, quote, section } from './slack.blocks.js';
import type { Button } from './slack.blocks.js';
import { code, escaped, instant, length } from './slack.text.js';
import { ENDINGS, ranFor, stateLine, waitingFor } from './state.line.js';

const OVER: ReadonlySet<string> = new Set(['ending', 'ended', 'denied']);

/** What the requester sees of their session, for its whole life. */
export function cardContent(story: SlackStory, pageUrl: string): SlackContent {
  const { session } = story;
  const { request, grant } = session;
  return {
    text: escaped(`Your session on ${targetOf(session)}`, 500),
    blocks: [
      header(`Your session on ${targetOf(session)}`),
      section(stateLine(story)),
      fields([
        ['Profile', code(request.profile)],
        ['For', length(request.durationSeconds)],
        ['Rule', grant === null ? '–' : code(grant.rule)],
        ['Session', code(session.id)],
      ]),
      ...wayIn(story),
      ...ending(story),
      buttons(story, pageUrl),
    ],
  };
}

/** How to get in, while that is possible. */
function wayIn({ session }: SlackStory): SlackBlock[] {
  return session.state === 'active' || session.state === 'starting'
    ? [section('Get in with'), command(`hallpass connect ${session.id}`)]
    : [];
}

/** How it ended, for how long it ran, and where its recording is. */
function ending({ session }: SlackStory): SlackBlock[] {
  if (!OVER.has(session.state)) return [];
  const ran = ranFor(session);
  return [
    ...(session.endDetail === null ? [] : [quote(session.endDetail)]),
    ...(ran === undefined
      ? []
      : [
          section(`It ran for *${ran}*. What was recorded:`),
          command(`hallpass recording list ${session.id}`),
        ]),
  ];
}

function buttons({ session }: SlackStory, url: string): SlackBlock {
  const open: Button = { action: BUTTONS.open, text: 'Open', url };
  if (OVER.has(session.state)) return actions(open);
  const value = buttonValue(session);
  const isWithdrawn = session.startedAt === null;
  const end: Button = {
    action: BUTTONS.end,
    text: isWithdrawn ? 'Withdraw' : 'End',
    value,
    style: 'danger',
    confirm: isWithdrawn
      ? ['Withdraw it?', 'Nobody is asked any more, and it does not start.', 'Withdraw']
      : ['End it?', 'Its container ends now, and whatever runs in it.', 'End'],
  };
  const mayExtend = session.state === 'active' && (extensionsLeft(session) ?? 0) > 0;
  const extend: Button = { action: BUTTONS.extend, text: 'Extend…', value };
  return actions(open, ...(mayExtend ? [extend] : []), end);
}

/** The steps that the requester is told of, each once, under their card. Later on it says that it is past. */
export const STEPS = [
  'waiting',
  'approved',
  'denied',
  'started',
  'extended',
  'unextended',
  'ended',
] as const;
export type StepName = (typeof STEPS)[number];

export function stepContent(about: string, story: SlackStory): SlackContent {
  const { session } = story;
  const step = STEPS.find((name) => about === name || about.startsWith(`${name}-`)) ?? 'waiting';
  const isPast = OVER.has(session.state) && step !== 'ended' && step !== 'denied';
  const line = isPast ? `~${PLAIN[step]}~ It is over.` : STEP_LINES[step](story);
  const enters = !isPast && (step === 'started' || step === 'extended') ? wayIn(story) : [];
  const ends = step === 'ended' || step === 'denied' ? ending(story) : [];
  return {
    text: PLAIN[step],
    blocks: [section(line), ...enters, ...ends, context(code(session.id))],
  };
}

const PLAIN: Readonly<Record<StepName, string>> = {
  waiting: 'Your session waits for consent.',
  approved: 'Your session is approved.',
  denied: 'Your session is refused.',
  started: 'Your session runs.',
  extended: 'Your session is extended.',
  unextended: 'Your session could not be extended.',
  ended: 'Your session has ended.',
};

const STEP_LINES: Readonly<Record<StepName, (story: SlackStory) => string>> = {
  waiting: (story) =>
    story.session.state === 'pending'
      ? `It waits for ${waitingFor(story)}.`
      : 'It waited for consent.',
  approved: () => ':white_check_mark: It is approved.',
  denied: (story) => stateLine(story),
  started: ({ session }) =>
    `:large_green_circle: It runs${session.deadlineAt ? ` until ${instant(session.deadlineAt)}` : ''}.`,
  extended: ({ session }) =>
    `:heavy_plus_sign: It is extended${session.deadlineAt ? ` until ${instant(session.deadlineAt)}` : ''}.`,
  unextended: ({ session }) =>
    `:warning: It could not be extended${session.deadlineAt ? `: it runs until ${instant(session.deadlineAt)}, as before` : ''}.`,
  ended: ({ session }) => `:white_circle: ${ENDINGS[session.endReason ?? 'deadline']}.`,
};
