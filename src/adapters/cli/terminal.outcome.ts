import { PROBLEMS } from '../../domain/problem.js';
import { problemType } from '../../contract/problem.schema.js';
import type { BrokerClient } from './broker.client.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { CommandFailure, refusal } from './command.failure.js';
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
      const exit = exitOfUnstarted(problem);
      if (exit !== undefined) {
        const failure = new CommandFailure(exit, `The command was not started: ${problem.detail}`);
        return { kind: 'failed', failure };
      }
      return { kind: 'failed', failure: refusal({ ...problem, instance: problem.instance ?? '' }) };
    }
  }
}

/** As shells have it. What container runtimes say is text, of runc and of crun. */
const UNSTARTED: readonly (readonly [RegExp, ExitCode])[] = [
  [/\bexec: .*no such file or directory|executable file .*not found/i, EXIT.noProgram],
  [/\bexec: .*(?:permission denied|exec format error|is a directory)/i, EXIT.notAProgram],
];

/** What to end with where the cluster says that the command is none; undefined for all else that it says. */
function exitOfUnstarted({ type, detail }: { type: string; detail: string }): ExitCode | undefined {
  if (type !== problemType('cluster-refused')) return undefined;
  return UNSTARTED.find(([says]) => says.test(detail))?.[1];
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
