import { RE2JS, RE2JSException } from 're2js';
import type { TextPattern } from '../../domain/policy/condition.js';

const SOURCE_CHARS_MAX = 500;
/** Instructions of the compiled pattern: a character can come upon each of them. */
const PROGRAM_SIZE_MAX = 1_000;
/** What an instruction takes at most, in the steps of `Condition.steps`, as `cel.limits.test.ts` tries. */
const STEPS_AN_INSTRUCTION = 2.5;

export interface PatternError {
  /** The end of a sentence about the pattern. */
  readonly error: string;
}

/**
 * A pattern in RE2's syntax (no look-around, no back-references) that matches whole texts. Its source and what it
 * compiles to are bounded; its time is linear in the text.
 */
export function textPattern(source: string): TextPattern | PatternError {
  const program = re2Program(source);
  if ('error' in program) return program;
  const { re2, stepsPerChar } = program;
  return { source, stepsPerChar, matches: (text) => re2.matches(text) };
}

export interface Re2Program {
  readonly re2: RE2JS;
  readonly stepsPerChar: number;
}

/** A compiled pattern within the bounds, to be matched with a part of a text or with the whole of it. */
export function re2Program(source: string): Re2Program | PatternError {
  if (source.length > SOURCE_CHARS_MAX) {
    return { error: `must be ${SOURCE_CHARS_MAX} characters at most` };
  }
  try {
    const re2 = RE2JS.compile(source);
    const size = re2.programSize();
    if (size <= PROGRAM_SIZE_MAX) return { re2, stepsPerChar: size * STEPS_AN_INSTRUCTION };
    return {
      error: `is too large: it compiles to ${size} steps, at most ${PROGRAM_SIZE_MAX} are allowed (repeat counts make many)`,
    };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return { error: `is no pattern of RE2: ${plainly(error.message)}` };
  }
}

function plainly(message: string): string {
  return message.replace(/^error parsing regexp: /, '');
}
