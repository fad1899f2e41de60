import { Duration } from '@marcbachmann/cel-js/evaluator';
import type { Facts } from '../../domain/policy/facts.js';
import { FACTS_SHAPE } from './cel.facts.js';
import type { MapShape, ObjectShape, Shape } from './cel.shapes.js';
import { NotKnown } from './cel.shapes.js';

type ViewClass = new (source: unknown) => object;

const classes = new Map<string, ViewClass>();

/**
 * The class whose instances stand for an object in expressions. A field is turned into the engine's own value when it
 * is first looked at, and once; what is larger than its shape says is not known rather than cut.
 */
export function viewClass(shape: ObjectShape): ViewClass {
  const known = classes.get(shape.name);
  if (known) return known;
  const View = class {
    readonly #source: unknown;
    readonly #values = new Map<string, unknown>();

    constructor(source: unknown) {
      this.#source = source;
    }

    static {
      for (const [name, field] of Object.entries(shape.fields)) {
        Object.defineProperty(this.prototype, name, {
          get(this: InstanceType<typeof View>): unknown {
            let value = this.#values.get(name);
            if (value === undefined) {
              value = valueOrNotKnown(field.shape, name, () => field.read(this.#source));
              this.#values.set(name, value);
            }
            if (value instanceof NotKnown) throw value;
            return value;
          },
        });
      }
    }
  };
  classes.set(shape.name, View);
  return View;
}

const views = new WeakMap<Facts, object>();

/** The facts as expressions see them: made once, however many expressions look at them. */
export function celFacts(facts: Facts): object {
  const made = views.get(facts);
  if (made) return made;
  const view = new (viewClass(FACTS_SHAPE))(facts);
  views.set(facts, view);
  return view;
}

function valueOrNotKnown(shape: Shape, name: string, read: () => unknown): unknown {
  try {
    return celValue(shape, name, read());
  } catch (error) {
    if (error instanceof NotKnown) return error;
    throw error;
  }
}

function celValue(shape: Shape, name: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  switch (shape.kind) {
    case 'int':
      return BigInt(Number(value));
    case 'duration':
      return new Duration(BigInt(Math.trunc(Number(value))));
    case 'object':
      return new (viewClass(shape))(value);
    case 'list':
      return listValue(shape.of, shape.items, name, value);
    case 'map':
      return mapValue(shape, name, value);
    case 'text':
      return within(value, shape.chars, name);
    case 'bool':
    case 'double':
    case 'timestamp':
    case 'null':
      return value;
  }
}

function listValue(of: Shape, items: number, name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} is no list`);
  if (value.length > items) throw tooLarge(name);
  return value.map((item: unknown) => celValue(of, name, item));
}

/** A Map, so that no key can be mistaken for what objects of JavaScript inherit. */
function mapValue(shape: MapShape, name: string, value: unknown): Map<unknown, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} is no map`);
  const entries = Object.entries(value);
  if (entries.length > shape.items) throw tooLarge(name);
  const made = new Map(
    entries.map(([key, it]) => [within(key, shape.keyChars, name), celValue(shape.of, name, it)]),
  );
  const { otherwise } = shape;
  if (otherwise === undefined) return made;
  const stored = made.get.bind(made);
  // Not a subclass: the engine takes for maps only what Map itself made.
  return Object.assign(made, {
    get: (key: unknown): unknown => stored(key) ?? otherwise,
  });
}

function within(value: unknown, chars: number, name: string): unknown {
  if (typeof value !== 'string') throw new TypeError(`${name} is no text`);
  if (value.length > chars) throw tooLarge(name);
  return value;
}

function tooLarge(name: string): NotKnown {
  return new NotKnown(`"${name}" is larger than expressions may look at`);
}
