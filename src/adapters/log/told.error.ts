import { withoutSecrets } from './secret.patterns.js';

/**
 * All that is ever written of an error. The errors of libraries carry headers, tokens, queries with their values and
 * addresses with passwords as properties of their own: what is not named here is not written.
 */
export interface ToldError {
  readonly type: string;
  readonly message: string;
  /** Where it was thrown, a line each. */
  readonly stack?: string;
  readonly code?: string | number;
  readonly statusCode?: number;
  readonly cause?: ToldError | string;
  readonly errors?: readonly (ToldError | string)[];
}

const CAUSES_MAX = 5;
const ERRORS_MAX = 5;
/** Of one error with all that caused it. */
const ALL_MAX = 12;
const MESSAGE_CHARACTERS_MAX = 2_000;
const FRAMES_MAX = 25;
/** So much of a text is looked at. */
const READ_CHARACTERS_MAX = 20_000;

const WORD = /^[\w.$-]{1,80}$/;
const FRAME = /^ {4}at [^\n]{1,400}$/;
/** These show the lines that could not be read after what is wrong with them. */
const FIRST_LINE_ONLY = new Set(['YAMLException', 'YAMLParseError', 'YAMLWarning']);
/** Where libraries quote the values that they were given. */
const QUOTES: readonly (readonly [RegExp, string])[] = [
  // V8, of what JSON.parse was given.
  [
    /^(?:Unexpected token [^]{1,5}, )?(?:\.{3})?"[^]*" ?(?:\.{3})? is not valid JSON$/,
    'no valid JSON',
  ],
  // Prisma, of a call with all its values, between its name and what is wrong with it.
  [/^\s*(Invalid `[^`\n]{1,200}` invocation)[^]*\n\n([^\n]+)\s*$/, '$1: $2'],
  // client-node, of an answer with all its headers.
  [/^(HTTP-Code: \d+\nMessage: [^\n]{0,300})\nBody: [^]*/, '$1'],
  // PostgreSQL, of values that no type can take, or that a constraint refuses.
  [/(invalid input [^:\n]{1,100}: \\?")[^]*"/g, '$1…"'],
  [/(Key \([^\n]{1,200}?\)=\()[^]*?\)(?= (?:already|is not|is still|conflicts))/g, '$1…)'],
  [/(Failing row contains \()[^]*\)/g, '$1…)'],
];

/** What is written of an error, or of whatever else was thrown. Throws nothing, whatever it is given. */
export function toldError(error: unknown): ToldError | string {
  return told(error, { depth: 0, seen: new Set() });
}

function told(
  error: unknown,
  { depth, seen }: { readonly depth: number; readonly seen: Set<unknown> },
): ToldError | string {
  if (typeof error === 'string') return toldMessage(error);
  if (typeof error !== 'object' || error === null) return `(${String(error)})`.slice(0, 80);
  if (seen.has(error)) return '(told above)';
  if (depth > CAUSES_MAX || seen.size >= ALL_MAX) return '(and more)';
  seen.add(error);
  const under = (it: unknown) => told(it, { depth: depth + 1, seen });
  const { type, message, stack, code, statusCode, cause, errors } = readError(error);
  return {
    type,
    message: toldMessage(FIRST_LINE_ONLY.has(type) ? (message.split('\n', 1)[0] ?? '') : message),
    ...(stack === undefined ? {} : { stack: framesOf(stack, message) }),
    ...(code === undefined ? {} : { code }),
    ...(statusCode === undefined ? {} : { statusCode }),
    ...(cause === undefined || cause === null ? {} : { cause: under(cause) }),
    ...(errors === undefined ? {} : { errors: errors.slice(0, ERRORS_MAX).map(under) }),
  };
}

/** What is allowed of an error, where it is what it should be. */
function readError(error: object) {
  const [stack, errors] = [read(error, 'stack'), read(error, 'errors')];
  const names = [read(read(error, 'constructor'), 'name'), read(error, 'name')];
  // What an API server answered is kept as it is, and says what is wrong in its status.
  const messages = [read(error, 'message'), read(read(error, 'status'), 'message')];
  return {
    type: names.find(isWord) ?? 'Error',
    message: messages.find((it) => typeof it === 'string') ?? '',
    stack: typeof stack === 'string' ? stack : undefined,
    code: [read(error, 'code'), read(error, 'failure')].find((it) => isWord(it) || isWhole(it)),
    statusCode: [read(error, 'statusCode'), read(error, 'httpStatus')].find(isWhole),
    cause: read(error, 'cause'),
    errors: Array.isArray(errors) ? (errors as unknown[]) : undefined,
  };
}

/** What is there under a name; nothing where asking throws. */
function read(from: unknown, name: string): unknown {
  if ((typeof from !== 'object' && typeof from !== 'function') || from === null) return undefined;
  try {
    return Reflect.get(from, name);
  } catch {
    return undefined;
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && WORD.test(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** A message as it may be written: bounded, without what libraries quote and without what looks like a secret. */
export function toldMessage(message: string): string {
  let text = message.slice(0, READ_CHARACTERS_MAX);
  for (const [quote, instead] of QUOTES) text = text.replace(quote, instead);
  text = withoutSecrets(text);
  const isLong = text.length > MESSAGE_CHARACTERS_MAX;
  return isLong ? `${text.slice(0, MESSAGE_CHARACTERS_MAX)}…` : text;
}

/** The places alone: the message, which stands before them, is told by itself. */
function framesOf(stack: string, message: string): string {
  const at = stack.indexOf(message);
  const from = at < 0 ? 0 : at + message.length;
  const text = stack.slice(from, from + READ_CHARACTERS_MAX);
  const frames = text.split('\n').filter((line) => FRAME.test(line));
  return frames.slice(0, FRAMES_MAX).map(withoutSecrets).join('\n');
}
