import type { SlackStory } from '../../app/ports/post.renderer.js';
import { quorum } from '../../domain/approval/quorum.js';
import { displayName } from '../../domain/person.js';
import { requirementText } from '../../domain/policy/words.js';
import { askedOf, standing } from '../../domain/session/session.js';
import type { EndReason, State } from '../../domain/session/session.machine.js';
import { code, instant, length } from './slack.text.js';

const NAMES_MAX = 8;

/** In one line, how the session stands. Escaped. */
export function stateLine(story: SlackStory): string {
  return STATE_LINES[story.session.state](story);
}

const STATE_LINES: Readonly<Record<State, (story: SlackStory) => string>> = {
  pending: (story) => `:hourglass_flowing_sand: *Waiting* for ${waitingFor(story)}`,
  approved: (story) => `:white_check_mark: *Approved*${by(story)}, not started yet`,
  denied: (story) => `:no_entry: *Refused*${by(story, 'deny')}`,
  starting: (story) => `:white_check_mark: *Approved*${by(story)}, starting`,
  active: (story) => `:large_green_circle: *Running*${until(story)}${extended(story)}`,
  ending: (story) =>
    story.overran
      ? ':rotating_light: *Will not end*: its container still runs'
      : ':hourglass: *Ending*',
  ended: ({ session }) =>
    `:white_circle: *${ENDINGS[session.endReason ?? 'deadline']}*${session.endedAt ? ` ${instant(session.endedAt)}` : ''}`,
};

/** How a session ended, in a few words. */
export const ENDINGS: Readonly<Record<EndReason, string>> = {
  deadline: 'Ended: its time was up',
  left: 'Ended by its requester',
  withdrawn: 'Withdrawn by its requester',
  revoked: 'Revoked',
  lapsed: 'Lapsed: nobody decided, or it was not started in time',
  'pod-gone': 'Ended: its Pod is gone',
  'start-failed': 'Could not be started',
  'recording-failed': 'Ended: it could not be recorded',
  'access-removed': 'Ended: the access of its requester was removed',
  idle: 'Ended: nothing was typed for too long',
};

/** Whose consent is open yet, and who has given theirs. */
export function waitingFor({ session, words }: SlackStory): string {
  const { open } = quorum(askedOf(session), session.requester, standing(words));
  const wanted = open.slice(0, NAMES_MAX).map((one) => code(requirementText(one), 180));
  const more = open.length > NAMES_MAX ? [`${open.length - NAMES_MAX} more`] : [];
  const given = names({ words });
  return `${[...wanted, ...more].join(', and ') || 'somebody'}${given === '' ? '' : ` (given by ${given})`}`;
}

/** Those whose consent stands. */
function names({ words }: Pick<SlackStory, 'words'>): string {
  return standing(words)
    .slice(0, NAMES_MAX)
    .map(({ person }) => code(displayName(person), 120))
    .join(', ');
}

function by({ session, words }: SlackStory, verdict: 'approve' | 'deny' = 'approve'): string {
  if (session.grant?.breakGlass) return ' by breaking the glass';
  const who =
    verdict === 'approve'
      ? names({ words })
      : words
          .filter((word) => word.verdict === 'deny')
          .map(({ person }) => code(displayName(person), 120))[0];
  return ` by ${who === undefined || who === '' ? 'policy' : who}`;
}

function until({ session }: SlackStory): string {
  return session.deadlineAt ? ` until ${instant(session.deadlineAt)}` : '';
}

function extended({ extended: times }: SlackStory): string {
  return times > 0 ? `, extended ${times}×` : '';
}

/** For how long it ran; undefined where it did not. */
export function ranFor({ startedAt, endedAt }: SlackStory['session']): string | undefined {
  return startedAt && endedAt
    ? length((endedAt.getTime() - startedAt.getTime()) / 1000)
    : undefined;
}
