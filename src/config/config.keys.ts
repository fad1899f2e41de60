import { z } from 'zod';
import { configSchema } from './config.schema.js';

/** The parts of JSON Schema that Zod makes of the schemas whose keys are described. */
interface KeySchema {
  /** Of an object with a name of its own, which is described elsewhere and not followed. */
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly KeySchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly required?: readonly string[];
  readonly items?: KeySchema;
  readonly secret?: boolean;
}

export type KeyKind = 'text' | 'number' | 'boolean' | 'object' | 'list' | 'either';

/** One key of the configuration. */
export interface ConfigKey {
  /** Its path with dots; `[]` where a list's items begin: `clusters[].name`. */
  readonly path: string;
  /** The variable that sets it; null inside lists, which a variable gives as a whole, and where there are none. */
  readonly variable: string | null;
  readonly kind: KeyKind;
  /** What may stand there, in words. */
  readonly accepts: string;
  readonly required: boolean;
  /** Undefined where there is none. */
  readonly fallback: unknown;
  readonly description: string;
  readonly example: unknown;
  readonly secret: boolean;
}

const ROOT = z.toJSONSchema(configSchema, { io: 'input' }) as KeySchema;

export const VARIABLE_PREFIX = 'HALLPASS_';

/** `['server', 'publicUrl']` gives `HALLPASS_SERVER__PUBLIC_URL`. */
export function variableOf(path: readonly string[]): string {
  const levels = path.map((name) => name.replaceAll(/[A-Z]/g, '_$&').toUpperCase());
  return VARIABLE_PREFIX + levels.join('__');
}

/** All keys in the schema's order, each object before what is in it. */
export function describeConfig(): readonly ConfigKey[] {
  return KEYS;
}

const KEYS: readonly ConfigKey[] = keysUnder(ROOT, { path: '', steps: [] });

/** The same of a schema that is none of the configuration's: no variable sets its keys. */
export function describeKeys(schema: z.ZodType): readonly ConfigKey[] {
  return keysUnder(z.toJSONSchema(schema, { io: 'input' }) as KeySchema, { path: '', steps: null });
}

/** Where `schema` stands; `steps` is null where no variable reaches. */
interface Place {
  readonly path: string;
  readonly steps: readonly string[] | null;
}

function keysUnder(schema: KeySchema, place: Place): ConfigKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const steps = place.steps === null ? null : [...place.steps, name];
    const path = place.path === '' ? name : `${place.path}.${name}`;
    const key: ConfigKey = {
      path,
      variable: steps === null ? null : variableOf(steps),
      kind: kindOf(child),
      accepts: acceptsOf(child),
      required: (schema.required ?? []).includes(name),
      fallback: child.default,
      description: child.description ?? '',
      example: child.examples?.[0],
      secret: child.secret ?? false,
    };
    return [
      key,
      ...keysUnder(child, { path, steps }),
      ...keysUnder(child.items ?? {}, { path: `${path}[]`, steps: null }),
    ];
  });
}

function kindOf(schema: KeySchema): KeyKind {
  if (schema.anyOf) return 'either';
  if (schema.$ref !== undefined) return 'object';
  const kinds: Readonly<Record<string, KeyKind>> = {
    integer: 'number',
    number: 'number',
    boolean: 'boolean',
    object: 'object',
    array: 'list',
  };
  return kinds[schema.type ?? ''] ?? 'text';
}

function acceptsOf(schema: KeySchema): string {
  if (schema.anyOf) return schema.anyOf.map(acceptsOf).join(' or ');
  if (schema.enum) return schema.enum.map(String).join(', ');
  if (schema.type === 'integer') {
    return `whole number, ${schema.minimum ?? ''} to ${schema.maximum ?? ''}`;
  }
  if (schema.type === 'array') {
    const items = schema.items ?? {};
    return items.enum ? `list of ${items.enum.map(String).join(', ')}` : `list of ${plural(items)}`;
  }
  return kindOf(schema);
}

function plural(items: KeySchema): string {
  return items.type === 'object' ? 'objects' : 'texts';
}

/** The names that the object at `path` (as Zod gives it) may hold. */
export function namesAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: KeySchema | undefined = ROOT;
  for (const step of path) {
    schema = typeof step === 'number' ? schema?.items : schema?.properties?.[String(step)];
  }
  return Object.keys(schema?.properties ?? {});
}
