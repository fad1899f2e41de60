import { Duration, Environment } from '@marcbachmann/cel-js/evaluator';
import type { StepBudget } from '../../domain/policy/condition.js';
import { TOO_MUCH_TOGETHER } from '../../domain/policy/inquiry.js';
import { NotKnown } from './cel.shapes.js';
import type { Re2Program } from './text.pattern.js';
import { re2Program } from './text.pattern.js';

/** The end of a sentence about a literal. */
export interface LiteralError {
  readonly error: string;
}

const TOO_MUCH = new NotKnown(TOO_MUCH_TOGETHER);
/** One expression is evaluated at a time, start to end: they can share a place for it. */
const matching: { budget: StepBudget } = { budget: { take: () => false } };

/** To be called before each evaluation, with what its decision has left. */
export function matchWithin(budget: StepBudget): void {
  matching.budget = budget;
}

/** What stands in an expression in place of the text that `matches` was given: the pattern, compiled. */
export class Pattern {
  private constructor(private readonly program: Re2Program) {}

  static of(source: string): Pattern | LiteralError {
    const program = re2Program(source);
    return 'error' in program ? program : new Pattern(program);
  }

  /** Whether a part of the text matches, as CEL has it. */
  isIn(text: string): boolean {
    if (!matching.budget.take(text.length * this.program.stepsPerChar)) throw TOO_MUCH;
    return this.program.re2.test(text);
  }
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** In CEL months, days of the month and days of the week are counted from 0; `getDate` alone counts from 1. */
export const ZONED = {
  getFullYear: { part: 'year', value: Number },
  getMonth: { part: 'month', value: (it) => Number(it) - 1 },
  getDate: { part: 'day', value: Number },
  getDayOfMonth: { part: 'day', value: (it) => Number(it) - 1 },
  getDayOfWeek: { part: 'weekday', value: (it) => WEEKDAYS.indexOf(it) },
  getHours: { part: 'hour', value: Number },
  getMinutes: { part: 'minute', value: Number },
} as const satisfies Readonly<
  Record<string, { part: Intl.DateTimeFormatPartTypes; value: (text: string) => number }>
>;

/** What stands in place of the name of a time zone. */
export class Zone {
  private constructor(private readonly format: Intl.DateTimeFormat) {}

  static of(timeZone: string): Zone | LiteralError {
    try {
      const format = new Intl.DateTimeFormat('en-US', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        weekday: 'short',
        hour: 'numeric',
        minute: 'numeric',
      });
      return new Zone(format);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { error: 'is no time zone of the IANA database' };
    }
  }

  read(method: keyof typeof ZONED, time: Date): bigint {
    const { part, value } = ZONED[method];
    const found = this.format.formatToParts(time).find((it) => it.type === part);
    return BigInt(value(found?.value ?? ''));
  }
}

const DURATION = /^(\d+(\.\d+)?(h|m|s|ms))+$/;
const HOURS_MAX = 87_600n;
const durations = new Environment().registerVariable('it', 'string').parse('duration(it)');
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

/** What is wrong with a duration, which CEL would tell of only when it comes upon it. */
export function durationError(source: string): string | undefined {
  const example = 'is no duration such as "90s", "1h30m"';
  if (source.length > 40 || !DURATION.test(source)) return example;
  const value: unknown = durations({ it: source });
  if (!(value instanceof Duration)) return example;
  return value.getHours() <= HOURS_MAX ? undefined : 'is longer than ten years';
}

export function timestampError(source: string): string | undefined {
  return TIMESTAMP.test(source) && !Number.isNaN(Date.parse(source))
    ? undefined
    : 'is no time such as "2030-01-31T09:00:00Z"';
}
