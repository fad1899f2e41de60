/** What a value of an expression can be: its type, and how large it is at most. */
export type Shape =
  | { readonly kind: 'bool' | 'int' | 'double' | 'duration' | 'timestamp' | 'null' }
  | { readonly kind: 'text'; readonly chars: number }
  | { readonly kind: 'list'; readonly items: number; readonly of: Shape }
  | MapShape
  | ObjectShape;

/** Keys are texts. */
export interface MapShape {
  readonly kind: 'map';
  readonly items: number;
  readonly keyChars: number;
  readonly of: Shape;
  /** What a key has that is not there. Without it, reading such a key fails. */
  readonly otherwise?: bigint;
}

export interface ObjectShape {
  readonly kind: 'object';
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Field<Source = unknown> {
  readonly shape: Shape;
  readonly description: string;
  /** Undefined where there is none. Throws {@link NotKnown}. */
  read(source: Source): unknown;
}

/** A fact, or all that hang on it, cannot be told: the expression is `unknown` unless it comes out without. */
export class NotKnown extends Error {
  override readonly name = 'NotKnown';
}

export const BOOL: Shape = { kind: 'bool' };
export const INT: Shape = { kind: 'int' };
export const DOUBLE: Shape = { kind: 'double' };
export const DURATION: Shape = { kind: 'duration' };
export const TIMESTAMP: Shape = { kind: 'timestamp' };

export function text(chars: number): Shape {
  return { kind: 'text', chars };
}

export function list(items: number, of: Shape): Shape {
  return { kind: 'list', items, of };
}

export function map(items: number, keyChars: number, of: Shape): MapShape {
  return { kind: 'map', items, keyChars, of };
}

export function object<Source>(
  name: string,
  fields: Readonly<Record<string, Field<Source>>>,
): ObjectShape {
  return { kind: 'object', name, fields };
}

const SCALAR_NAMES = {
  bool: 'bool',
  int: 'int',
  double: 'double',
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
  null: 'null',
  text: 'string',
} as const;

/** As the engine names the type. */
export function celType(shape: Shape): string {
  switch (shape.kind) {
    case 'list':
      return `list<${celType(shape.of)}>`;
    case 'map':
      return `map<string, ${celType(shape.of)}>`;
    case 'object':
      return shape.name;
    case 'bool':
    case 'int':
    case 'double':
    case 'duration':
    case 'timestamp':
    case 'null':
    case 'text':
      return SCALAR_NAMES[shape.kind];
  }
}

/** What holds either; undefined where they are of different types, which the engine's own check tells of. */
export function either(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b) return undefined;
  if (a.kind !== b.kind) return undefined;
  if (a.kind === 'text' && b.kind === 'text') return text(Math.max(a.chars, b.chars));
  if (a.kind === 'list' && b.kind === 'list') {
    const of = a.items === 0 ? b.of : b.items === 0 ? a.of : either(a.of, b.of);
    return of && list(Math.max(a.items, b.items), of);
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const of = either(a.of, b.of);
    return of && map(Math.max(a.items, b.items), Math.max(a.keyChars, b.keyChars), of);
  }
  return a;
}
