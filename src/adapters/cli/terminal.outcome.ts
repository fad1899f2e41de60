import { PROBLEMS } from '../../domain/problem.js';
import type { BrokerClient } from './broker.client.js';
import type { CommandFailure } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { refusal } from './command.failure.js';
import { readSession } from './session.follower.js';
import { overText } from './session.text.js';
import type { StreamEnd } from './terminal.protocol.js';

/** What the end of a stream comes to: what to say, what to end with, or that it may be entered again. */
export type Outcome =
  | { readonly kind: 'done'; readonly exit: ExitCode; readonly says: string | undefined }
  | { readonly kind: 'again'; readonly says: string }
  | { readonly kind: 'failed'; readonly failure: CommandFailure };

export function outcomeOf(session: string, end: StreamEnd): Outcome {
  switch (end.kind) {
    case 'exited':
      return { kind: 'done', exit: end.code, says: undefined };
    case 'left':
      return {
        kind: 'done',
        exit: EXIT.ok,
        says: `The session goes on. Come back with: hallpass connect ${session}`,
      };
    case 'session-over':
      return {
        kind: 'done',
        exit: EXIT.over,
        says: `The session is over${end.reason === null ? '' : ` (${end.reason})`}: ${end.detail}`,
      };
    case 'lost':
      return { kind: 'again', says: end.detail };
    case 'shutdown':
      return { kind: 'again', says: 'The broker stops here and goes on elsewhere.' };
    case 'refused': {
      const { problem } = end;
      // Later is not never: the way there, the recorder or the database may be back in a moment.
      if (problem.status === PROBLEMS['cluster-unavailable'].status) {
        return { kind: 'again', says: `${problem.title}: ${problem.detail}` };
      }
      return { kind: 'failed', failure: refusal({ ...problem, instance: problem.instance ?? '' }) };
    }
  }
}

/** The same, where it could not be entered because the session is over, in the session's own words. */
export async function explained(
  { broker, session }: { readonly broker: BrokerClient; readonly session: string },
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.kind !== 'failed' || outcome.failure.code !== 'not-running') return outcome;
  const { value } = await readSession(broker, session);
  if (value.state !== 'ended' && value.state !== 'denied') return outcome;
  return { kind: 'done', exit: EXIT.over, says: overText(value) };
}
