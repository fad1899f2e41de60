import { durationError, Pattern, timestampError, Zone, ZONED } from './cel.literals.js';
import { CHARS_A_STEP, STEPS } from './cel.limits.js';
import type { Shape } from './cel.shapes.js';
import { BOOL, DOUBLE, DURATION, INT, list, text, TIMESTAMP } from './cel.shapes.js';

/** What a call is reckoned from. A shape is undefined where it could not be told, because of an error told already. */
export interface Call {
  /** What the method is called on; a function has none. */
  readonly on: Shape | undefined;
  readonly args: readonly (Shape | undefined)[];
  /** {@link STEPS.failure} of this expression. */
  readonly failure: number;
}

/** A function that is offered: all others of the engine are refused. */
export interface Offered {
  result(call: Call): Shape | undefined;
  /** At worst, without its arguments. */
  steps(call: Call): number;
  /** Its last argument must be written in the expression; it is checked, and replaced where it says so. */
  readonly literal?: Literal;
}

export interface Literal {
  readonly what: string;
  /** The end of a sentence about what is wrong; or what replaces the text, with the name that then is called. */
  check(source: string): { readonly error: string } | { readonly instead: Replacement | undefined };
}

export interface Replacement {
  readonly method: string;
  readonly value: object;
}

export function charsOf(shape: Shape | undefined): number {
  return shape?.kind === 'text' ? shape.chars : Infinity;
}

const look = (chars: number): number => 1 + chars / CHARS_A_STEP;
const onChars = ({ on }: Call): number => charsOf(on);
const looksThrough = (call: Call): number => look(onChars(call));

/** Searching takes the product at worst. */
function searches({ on, args: [sought] }: Call): number {
  const chars = charsOf(on);
  return look(chars * Math.min(charsOf(sought), chars));
}

const prefix: Offered = {
  result: () => BOOL,
  steps: ({ args: [it] }) => look(charsOf(it)),
};
const search: Offered = { result: () => BOOL, steps: searches };
const index: Offered = { result: () => INT, steps: searches };
/** A letter in another case can be three letters. */
const recased: Offered = {
  result: (call) => text(3 * onChars(call)),
  steps: (call) => onChars(call) / 4 + 1,
};
const part: Offered = {
  result: (call) => text(onChars(call)),
  steps: (call) => looksThrough(call) + call.failure,
};

function joined({ on, args: [separator = text(0)] }: Call): Shape {
  if (on?.kind !== 'list') return text(Infinity);
  return text(on.items === 0 ? 0 : on.items * (charsOf(on.of) + charsOf(separator)));
}

const join: Offered = {
  result: joined,
  steps: (call) =>
    look(charsOf(joined(call))) + (call.on?.kind === 'list' ? call.on.items : Infinity),
};

const timePart: Offered = { result: () => INT, steps: () => 8 };

const pattern: Literal = {
  what: 'a pattern',
  check: (source) => {
    const value = Pattern.of(source);
    return 'error' in value ? value : { instead: { method: 'matchesPattern', value } };
  },
};

function zone(method: string): Literal {
  return {
    what: 'a time zone',
    check: (source) => {
      const value = Zone.of(source);
      return 'error' in value ? value : { instead: { method: `${method}InZone`, value } };
    },
  };
}

function checked(what: string, errorIn: (source: string) => string | undefined): Literal {
  return {
    what,
    check: (source) => {
      const error = errorIn(source);
      return error === undefined ? { instead: undefined } : { error };
    },
  };
}

/** Methods by name and number of arguments. The loops are not among them: see `cel.loops.ts`. */
export const METHODS: ReadonlyMap<string, Offered> = new Map(
  Object.entries({
    'startsWith/1': prefix,
    'endsWith/1': prefix,
    'contains/1': search,
    'indexOf/1': index,
    'lastIndexOf/1': index,
    'substring/1': part,
    'substring/2': part,
    'trim/0': { result: (call) => text(onChars(call)), steps: looksThrough },
    'lowerAscii/0': recased,
    'upperAscii/0': recased,
    'split/1': {
      result: (call) => list(onChars(call) + 1, text(onChars(call))),
      steps: (call) => searches(call) + 2 * onChars(call),
    },
    'join/0': join,
    'join/1': join,
    'size/0': { result: () => INT, steps: ({ on }) => sizing(on) },
    'matches/1': { result: () => BOOL, steps: () => STEPS.match, literal: pattern },
    'getSeconds/0': timePart,
    ...Object.fromEntries(
      Object.keys(ZONED).flatMap((method) => [
        [`${method}/0`, timePart],
        [`${method}/1`, { result: () => INT, steps: () => STEPS.zonedTime, literal: zone(method) }],
      ]),
    ),
  } satisfies Record<string, Offered>),
);

/** Functions by name and number of arguments. `has` is not among them. */
export const FUNCTIONS: ReadonlyMap<string, Offered> = new Map(
  Object.entries({
    'size/1': { result: () => INT, steps: ({ args: [it] }) => sizing(it) },
    'int/1': { result: () => INT, steps: ({ failure }) => failure },
    'double/1': {
      result: () => DOUBLE,
      steps: ({ args: [it], failure }) => failure + (it?.kind === 'text' ? it.chars : 0),
    },
    'string/1': {
      result: ({ args: [it] }) => (it?.kind === 'text' ? it : text(400)),
      steps: () => 8,
    },
    'duration/1': {
      result: () => DURATION,
      steps: () => STEPS.parsedLiteral,
      literal: checked('a duration', durationError),
    },
    'timestamp/1': {
      result: () => TIMESTAMP,
      steps: () => STEPS.parsedLiteral,
      literal: checked('a time', timestampError),
    },
  } satisfies Record<string, Offered>),
);

/** The size of a text is counted in characters, one by one. */
function sizing(shape: Shape | undefined): number {
  return shape?.kind === 'text' ? 1 + shape.chars / 2 : 1;
}
