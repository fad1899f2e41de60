import { Environment } from '@marcbachmann/cel-js';
import { FACTS_SHAPE } from './cel.facts.js';
import { LIMITS } from './cel.limits.js';
import { Pattern, Zone, ZONED } from './cel.literals.js';
import type { ObjectShape, Shape } from './cel.shapes.js';
import { celType } from './cel.shapes.js';
import { viewClass } from './cel.values.js';

/** The engine with the facts as its variables. What an expression may use of it is checked in `cel.walk.ts`. */
export const environment = madeEnvironment();

function madeEnvironment(): Environment {
  const made = new Environment({
    limits: { maxAstNodes: LIMITS.nodes, maxDepth: LIMITS.depth },
  });
  for (const shape of objectsIn(FACTS_SHAPE)) {
    const fields: Record<string, string> = {};
    for (const [name, field] of Object.entries(shape.fields)) fields[name] = celType(field.shape);
    made.registerType(shape.name, {
      ctor: viewClass(shape),
      fields,
    });
  }
  for (const [name, { shape, description }] of Object.entries(FACTS_SHAPE.fields)) {
    made.registerVariable(name, { type: celType(shape), description });
  }
  made.registerType('Pattern', { ctor: Pattern, fields: {} });
  made.registerFunction(
    'string.matchesPattern(Pattern): bool',
    (text: string, pattern: Pattern) => pattern.isIn(text),
    { async: false },
  );
  made.registerType('Zone', { ctor: Zone, fields: {} });
  for (const method of zonedMethods()) {
    made.registerFunction(
      `google.protobuf.Timestamp.${method}InZone(Zone): int`,
      (time: Date, zone: Zone) => zone.read(method, time),
      { async: false },
    );
  }
  return made;
}

function zonedMethods(): (keyof typeof ZONED)[] {
  return Object.keys(ZONED).filter((it): it is keyof typeof ZONED => Object.hasOwn(ZONED, it));
}

/** The types within the facts, each once; not the facts as a whole, whose fields are variables. */
function objectsIn(root: ObjectShape): Set<ObjectShape> {
  const found = new Set<ObjectShape>();
  const look = (shape: Shape): void => {
    if (shape.kind === 'list' || shape.kind === 'map') look(shape.of);
    if (shape.kind !== 'object' || found.has(shape)) return;
    found.add(shape);
    for (const field of Object.values(shape.fields)) look(field.shape);
  };
  for (const field of Object.values(root.fields)) look(field.shape);
  return found;
}
