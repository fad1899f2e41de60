import { z } from 'zod';
import type { FieldError } from '../domain/problem.js';
import { nearestName } from '../domain/nearest.name.js';

/** More would help nobody, and a hostile body can have thousands. */
const ERRORS_MAX = 50;
const NAME_CHARACTERS_MAX = 100;

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Zod's own sentences, where ours are plainer. For `safeParse(value, { error })`; a schema's own sentences win. */
export const plainSentence: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? 'is required'
      : `must be ${WORDS[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((value) => `"${String(value)}"`).join(', ');
    return issue.input === undefined ? `is required: one of ${values}` : `must be one of ${values}`;
  }
  if (issue.code === 'too_big') return `must be ${String(issue.maximum)} or less`;
  if (issue.code === 'too_small') return `must be ${String(issue.minimum)} or more`;
  return undefined;
};

const WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

/**
 * All that is wrong with a value, one error for each place. A `path` is a JSON pointer (RFC 6901) into the value. A
 * member that `schema` does not know is named with the nearest one that it does.
 */
export function fieldErrors(schema: z.ZodType, issues: readonly Issue[]): FieldError[] {
  const errors = issues.flatMap((issue) => explain(schema, issue, []));
  return errors.slice(0, ERRORS_MAX);
}

function explain(schema: z.ZodType, issue: Issue, above: Path): FieldError[] {
  const path = [...above, ...issue.path];
  // Whole numbers beyond 2^53 break the bound of the schema too, and that is the one to tell.
  if (issue.code === 'too_big' && issue.maximum === Number.MAX_SAFE_INTEGER) return [];
  if (issue.code === 'unrecognized_keys') {
    const known = knownNames(schema, path);
    return issue.keys.slice(0, ERRORS_MAX).map((key) => ({
      path: pointer([...path, key]),
      message: unknownMember(key, known),
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => explain(schema, inner, path));
  }
  return [{ path: pointer(path), message: issue.message }];
}

/** The branch of a union that the value comes nearest to; undefined where it comes as near to another. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const ranked = [...branches].sort((a, b) => a.length - b.length);
  const [first, second] = ranked;
  return first && second && first.length < second.length ? first : undefined;
}

function unknownMember(key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  return near === undefined || near === key
    ? 'is not known here'
    : `is not known here; did you mean "${near}"?`;
}

/** The names that the schema knows at a path, over all branches of unions. */
export function knownNames(schema: z.core.$ZodType, path: Path): string[] {
  const [head, ...rest] = path;
  return inside(schema).flatMap((it) => {
    if (it instanceof z.ZodArray) return head === undefined ? [] : knownNames(it.element, rest);
    if (!(it instanceof z.ZodObject)) return [];
    const shape: z.core.$ZodShape = it.shape;
    if (head === undefined) return Object.keys(shape);
    const member = Object.hasOwn(shape, head) ? shape[String(head)] : undefined;
    return member ? knownNames(member, rest) : [];
  });
}

/** The schemas inside what wraps them. */
function inside(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(inside);
  if (schema instanceof z.ZodPipe) return [...inside(schema.in), ...inside(schema.out)];
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return inside(schema.unwrap());
  }
  return [schema];
}

/** RFC 6901 §3; names that came from outside are cut. */
function pointer(path: Path): string {
  return path
    .map((part) => String(part).slice(0, NAME_CHARACTERS_MAX).toWellFormed())
    .map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
