import type { Terms } from '../domain/policy/policy.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import { copyIn } from '../domain/recording/copy.command.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Entry } from './enter-session.js';

/** Why the terms leave this out; undefined where they do not. */
export function termsRefusal(terms: Terms, entry: Entry, id: SessionId): Problem | undefined {
  if (!terms.ways.includes(entry.way)) {
    return problem(
      'way-not-allowed',
      `The terms of the session ${id} leave the way "${entry.way}" out; there is: ${terms.ways.join(', ')}.`,
    );
  }
  const copy = entry.copy ?? copyIn(entry);
  if (!copy || terms.fileCopies === 'both' || terms.fileCopies === copy) return undefined;
  return problem(
    'way-not-allowed',
    terms.fileCopies === 'none'
      ? `The terms of the session ${id} let no files be copied.`
      : `The terms of the session ${id} let files be copied only by ${terms.fileCopies}.`,
  );
}

/**
 * Why nothing may go in: where no files may be copied into the container, only what is typed at a terminal may. The input
 * of a command without one is as good as a file.
 */
export function inputRefusal({ grant, id }: Session, { tty }: Entry): Problem | undefined {
  const copies = grant?.terms.fileCopies;
  if (tty || copies === 'both' || copies === 'upload') return undefined;
  return problem(
    'way-not-allowed',
    `The terms of the session ${id} let no files be copied into the container, and input without a terminal is as good as one: ` +
      'it was not passed on. Run the command in a terminal, or without input.',
  );
}

/** Why nothing goes into a command whose input could never end: what reads to the end would read for ever. */
export function endlessInput(): Problem {
  return problem(
    'cluster-refused',
    'The API server of this cluster (v4.channel.k8s.io alone: Kubernetes before 1.30) cannot tell a command that its input ' +
      'is at its end; it would be waited for forever. Nothing of it was passed on. Run the command in a terminal, or without input.',
  );
}

/** Why a copy does not go on. */
export function noArchive(why: string): Problem {
  return problem(
    'recording-unavailable',
    `A copy is recorded by the files in it, and this is no archive of files as \`kubectl cp\` makes them (${why}): it was stopped. ` +
      'What `kubectl exec POD -- cat FILE` writes is recorded as it is.',
  );
}
