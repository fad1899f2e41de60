import { EvaluationError, ParseError } from '@marcbachmann/cel-js';
import type { Condition, StepBudget, Told } from '../../domain/policy/condition.js';
import type { Facts, RequesterFacts } from '../../domain/policy/facts.js';
import { environment } from './cel.environment.js';
import { LIMITS } from './cel.limits.js';
import { matchWithin } from './cel.literals.js';
import { NotKnown } from './cel.shapes.js';
import { celFacts } from './cel.values.js';
import type { ConditionError } from './cel.walk.js';
import { Walk } from './cel.walk.js';

export interface ConditionErrors {
  readonly errors: readonly ConditionError[];
}

/**
 * Compiles an expression in CEL over the {@link FACTS}. What can be wrong with it is told here: names, types, what is
 * not offered, what could take too long over the largest facts. Only facts can fail it later, and make it `unknown`.
 */
export function compileCondition(
  source: string,
  known: { readonly onCallSources: ReadonlySet<string> },
): Condition | ConditionErrors {
  if (source.length > LIMITS.sourceChars) {
    return refused(0, `must be ${LIMITS.sourceChars} characters at most`);
  }
  const program = parsed(source);
  if ('errors' in program) return program;
  const walk = new Walk(source, known);
  const { steps } = walk.visit(program.ast);
  if (walk.errors.length > 0) return { errors: inOrder(walk.errors) };
  const { valid, type, error } = program.check();
  if (!valid) return refused(error?.range?.start ?? 0, error?.summary ?? 'is not valid');
  if (type !== 'bool') return refused(0, `must be true or false, but is of type ${type ?? 'dyn'}`);
  if (walk.tooDear.length > 0) return { errors: walk.tooDear };
  return {
    source,
    uses: walk.uses,
    onCallSources: walk.onCallSources,
    steps,
    test: (facts, budget) => outcome({ program, source, facts, budget }),
  };
}

type Program = ReturnType<typeof environment.parse>;

function parsed(source: string): Program | ConditionErrors {
  try {
    return environment.parse(source);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const offset = Math.min(error.range?.start ?? 0, source.length);
    return refused(
      offset,
      PARSE_LIMITS.find(([sign]) => error.summary.includes(sign))?.[1] ?? error.summary,
    );
  }
}

const PARSE_LIMITS = [
  ['maxAstNodes', `must have ${LIMITS.nodes} parts at most: this is one too many`],
  ['maxDepth', `must not be nested deeper than ${LIMITS.depth}`],
  ['got EOF', 'ends too early'],
  ['token: EOF', 'ends too early'],
] as const;

const OUTCOMES = { yes: { truth: 'yes' }, no: { truth: 'no' } } as const;

/** The docstring of {@link Condition.test} holds: whatever is thrown makes it `unknown`. */
function outcome(of: {
  readonly program: Program;
  readonly source: string;
  readonly facts: Facts;
  readonly budget: StepBudget;
}): Told {
  const { program, source, facts, budget } = of;
  try {
    matchWithin(budget);
    const value: unknown = program(celFacts(facts));
    if (value === true) return OUTCOMES.yes;
    if (value === false) return OUTCOMES.no;
    return { truth: 'unknown', why: 'the expression gave neither true nor false' };
  } catch (error) {
    return { truth: 'unknown', why: whyOf(error, source, facts.requester) };
  }
}

/** A clause that says what could not be told, in words of the document: facts may not be for everybody to read. */
function whyOf(error: unknown, source: string, requester: RequesterFacts): string {
  if (error instanceof NotKnown) return error.message;
  if (!(error instanceof EvaluationError)) return 'the expression failed';
  const { start, end } = error.node ?? { start: 0, end: source.length };
  const part = source.slice(start, end).slice(0, 100);
  if (error.code !== 'no_such_key') return `${part} failed (${error.code.replaceAll('_', ' ')})`;
  const name = onCallSource(error.node);
  if (name === undefined) return `${part} is not there`;
  const silent = `the on-call source "${name}" did not answer`;
  // One that names people by e-mail is not asked about somebody who has none.
  return requester.email === ''
    ? `${silent}, or goes by e-mail, and the token has none that is verified`
    : silent;
}

/** The source that a part of an expression asks for; undefined where it asks for something else. */
function onCallSource(node: EvaluationError['node']): string | undefined {
  if (node?.op !== '.' && node?.op !== '[]') return undefined;
  const [on, key] = node.args;
  if (on.op !== 'id' || on.args !== 'onCall') return undefined;
  if (typeof key === 'string') return key;
  return key.op === 'value' && typeof key.args === 'string' ? key.args : undefined;
}

function refused(offset: number, message: string): ConditionErrors {
  return { errors: [{ offset, message }] };
}

function inOrder(errors: readonly ConditionError[]): ConditionError[] {
  return errors.toSorted((a, b) => a.offset - b.offset);
}
