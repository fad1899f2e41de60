import type { ProblemDocument } from '../../contract/problem.schema.js';
import { problemType } from '../../contract/problem.schema.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';

/** Why a command cannot go on: a sentence for people that says what happened, to what, and what to do. */
export class CommandFailure extends Error {
  constructor(
    readonly exit: ExitCode,
    sentence: string,
    /** The broker's own refusal, where it was that. */
    readonly problem?: ProblemDocument,
    options: { cause?: unknown } = {},
  ) {
    super(sentence, options);
  }

  /** The code of the broker's refusal, such as `not-found`; empty where it was none. */
  get code(): string {
    return this.problem?.type.replace(/^urn:hallpass:problem:/, '') ?? '';
  }
}

export function trouble(sentence: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT.trouble, sentence, undefined, { cause });
}

/** How the broker's refusals end a command, by their status; what is not here is {@link EXIT.trouble}. */
const EXIT_OF_STATUS: ReadonlyMap<number, ExitCode> = new Map([
  [401, EXIT.notSignedIn],
  [403, EXIT.denied],
  [500, EXIT.unreachable],
  [502, EXIT.unreachable],
  [503, EXIT.unreachable],
]);

/** Refusals whose detail says no more than that members of `errors` are wrong, which stand here themselves. */
const OF_FIELDS: ReadonlySet<string> = new Set(
  (['invalid-fields', 'invalid-request'] as const).map(problemType),
);

/** The broker said no. Its own sentence says what to do; of fields it is said what is wrong with which. */
export function refusal(problem: ProblemDocument): CommandFailure {
  const { type, title, detail, status, errors = [] } = problem;
  const fields = errors.map(({ path, message }) => `${path.replace(/^\//, '')} ${message}`);
  const after = status === 401 ? ' Sign in with: hallpass login.' : '';
  const said = [
    ...(OF_FIELDS.has(type) && fields.length > 0 ? [] : [detail]),
    ...(fields.length === 0 ? [] : [`${fields.join('; ')}.`]),
  ];
  return new CommandFailure(
    EXIT_OF_STATUS.get(status) ?? EXIT.trouble,
    `${title}: ${said.join(' ')}${after}`,
    problem,
  );
}
