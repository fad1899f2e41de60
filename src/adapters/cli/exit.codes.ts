/** What a command ends with. As for `diff`: a finding is no trouble. */
export const EXIT = {
  ok: 0,
  /** What was looked for was found: errors in documents, failed tests, decisions that would change. */
  found: 1,
  /** Wrong use, input that cannot be read, or something that the broker does not take. */
  trouble: 2,
  /** Policy, people or roles say no. */
  denied: 3,
  /** The session is over: it lapsed, was withdrawn, or ended before the command in it did. */
  over: 4,
  /** There is no token, or none that holds any more. */
  notSignedIn: 5,
  /** The broker, or what it needs, does not answer. */
  unreachable: 6,
  /** What was to run in the container cannot be run, or is not there. */
  notAProgram: 126,
  noProgram: 127,
} as const;

/** One of {@link EXIT}, the exit code of the command that ran in the container, or 128 and a signal's number. */
export type ExitCode = number;

/** What each code says, for help and documents. */
export const EXIT_WORDS: readonly (readonly [string, string])[] = [
  ['0', 'done, and nothing was found'],
  [
    '1',
    'found what was looked for: errors in documents, failed tests, decisions that would change',
  ],
  ['2', 'wrong use, input that cannot be read, or something that the broker does not take'],
  ['3', 'denied: by policy, by somebody who was asked, or because your roles do not allow it'],
  ['4', 'the session is over: it lapsed, was withdrawn, or ended before what ran in it'],
  ['5', 'not signed in: `hallpass login`'],
  ['6', 'the broker, or what it needs, does not answer: try again later'],
  ['126, 127', 'of `debug` and `connect`: the command cannot be run, or is not there'],
  ['128 + n', 'ended by the signal n; 130 is Ctrl-C, 141 that nobody reads any more'],
  ['any', 'of `debug` and `connect`: what the command in the container ended with'],
];

/** What a process ends with that a signal ended. */
export function exitOfSignal(number: number): ExitCode {
  return 128 + number;
}
export const SIGNALS = { interrupt: 2, terminate: 15, hangUp: 1, pipe: 13 } as const;
