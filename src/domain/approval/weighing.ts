import type { Person } from '../person.js';
import { isAmong, samePerson } from '../person.js';
import { peopleText, requirementText } from '../policy/words.js';
import type { Problem } from '../problem.js';
import { problem } from '../problem.js';
import { askedOf, concernedPeople, standing } from '../session/session.js';
import type { Session } from '../session/session.js';
import type { SessionEvent } from '../session/session.machine.js';
import type { Word } from './quorum.js';
import { quorum, wouldCount } from './quorum.js';

/** What a word comes to: the row of the session machine, and how many consents are missing after it. */
export interface Weighed {
  readonly event: Extract<SessionEvent, 'approve' | 'consent' | 'deny' | 'retract'>;
  readonly missing: number;
}

/** Consents can be given and taken back for ever; each is read with the session. */
export const WORDS_MAX = 200;

/**
 * What a word on an open session comes to, given everybody's words so far.
 *
 * @param args person, requester and words with the people as they are now.
 * @returns `forbidden` where the person has no say (any more), `illegal-transition` where there is nothing to take back,
 * `already-decided` for a consent that adds nothing, `invalid-fields` for one that does not say why where it must.
 */
export function weigh(
  { verdict, comment }: Pick<Word, 'verdict'> & { readonly comment?: string },
  args: {
    readonly session: Session;
    readonly person: Person;
    readonly requester: Person;
    readonly words: readonly Word[];
  },
): Weighed | Problem {
  const { session, person, requester, words } = args;
  if ([requester, session.requester].some((other) => samePerson(other, person))) return yours();
  const asked = askedOf(session);
  const consents = standing(words);
  const mine = consents.some((consent) => samePerson(consent.person, person));
  if (verdict !== 'deny' && words.length >= WORDS_MAX) {
    return problem(
      'illegal-transition',
      `As much has been said on the session ${session.id} as may be (${WORDS_MAX} words): it can be denied or revoked. Ask anew.`,
    );
  }
  if (verdict === 'deny') {
    return { event: 'deny', missing: quorum(asked, requester, consents).missing };
  }
  if (verdict === 'retract') {
    if (!mine) {
      return problem(
        'illegal-transition',
        `You have not consented to the session ${session.id}: there is nothing to take back.`,
      );
    }
    const without = consents.filter((consent) => !samePerson(consent.person, person));
    return { event: 'retract', missing: quorum(asked, requester, without).missing };
  }
  // What they show may be an older token than the newest that is known.
  if (!isAmong(person, concernedPeople(session))) return notAsked(session);
  if (!wouldCount(asked, requester, { person, consents })) {
    const { open } = quorum(asked, requester, consents);
    return problem(
      'already-decided',
      `${mine ? 'You consented already' : 'What your groups can give is given'} to the session ${session.id}. ` +
        `Still open: ${open.map(requirementText).join(', and ')}.`,
    );
  }
  if (session.grant?.terms.approvals.commentRequired === true && comment === undefined) {
    return problem('invalid-fields', 'Say why you consent: its policy requires a comment.', {
      errors: [{ path: '/comment', message: 'is required: the policy asks why you consent' }],
    });
  }
  const { missing } = quorum(asked, requester, [...consents, { person, verdict }]);
  return { event: missing === 0 ? 'approve' : 'consent', missing };
}

/** The refusal of a requester's own word. */
export function yours(): Problem {
  return problem(
    'forbidden',
    'You asked for this session yourself: somebody else must decide about it.',
  );
}

/** The refusal of somebody's word whom nobody asked. */
export function notAsked(session: Session): Problem {
  const people = peopleText(concernedPeople(session));
  return problem(
    'forbidden',
    people === ''
      ? `The session ${session.id} needs nobody's consent.`
      : `Only ${people} decide about the session ${session.id}.`,
  );
}
