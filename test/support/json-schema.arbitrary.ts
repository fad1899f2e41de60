import fc from 'fast-check';

/** The parts of JSON Schema 2020-12 that the description of the API uses. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

export type Components = Readonly<Record<string, JsonSchema>>;

const deep = (levels: number): unknown => {
  let value: unknown = 'end';
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
};

/** What people and programs send where something else belongs. */
const HOSTILE: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    -1e-320,
    2 ** 53,
    '',
    ' ',
    '\0',
    'a\u202eb',
    'a\ud800',
    '\udfff',
    '\ufeff',
    '__proto__',
    'constructor',
    "'; DROP TABLE sessions;--",
    '../../etc/passwd',
    '${jndi:ldap://x}',
    '%00%zz',
    '🙂'.repeat(1_000),
    'x'.repeat(70_000),
    [],
    {},
    deep(30),
    deep(500),
    JSON.parse('{"__proto__": {"polluted": true}}'),
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.jsonValue({ maxDepth: 4 }),
  fc.double(),
  fc.maxSafeInteger(),
);

/** Values that fit a schema, and now and then, anywhere in them, something that does not. */
export function arbitraryOf(schema: JsonSchema, components: Components): fc.Arbitrary<unknown> {
  return fc.oneof(
    { arbitrary: fitting(schema, components), weight: 24 },
    { arbitrary: HOSTILE, weight: 1 },
  );
}

function fitting(schema: JsonSchema, components: Components): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return fitting(components[schema.$ref.split('/').at(-1) ?? ''] ?? {}, components);
  }
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => arbitraryOf(one, components)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  const type = [schema.type ?? 'any'].flat()[0] ?? 'any';
  switch (type) {
    case 'object':
      return objects(schema, components);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, components), {
        maxLength: (schema.maxItems ?? 4) + 1,
      });
    case 'string':
      return strings(schema);
    case 'integer':
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000, 1_000) }),
        fc.constantFrom((schema.minimum ?? 0) - 1, (schema.maximum ?? 0) + 1),
      );
    case 'boolean':
      return fc.boolean();
    default:
      return HOSTILE;
  }
}

function objects(schema: JsonSchema, components: Components): fc.Arbitrary<unknown> {
  const members = Object.entries(schema.properties ?? {});
  const fits = fc.record(
    Object.fromEntries(members.map(([name, member]) => [name, arbitraryOf(member, components)])),
    { requiredKeys: [...(schema.required ?? [])] },
  );
  const more = fc.dictionary(fc.string({ unit: 'binary', maxLength: 12 }), HOSTILE, { maxKeys: 2 });
  return fc.oneof(
    { arbitrary: fits, weight: 20 },
    { arbitrary: fc.tuple(fits, more).map(([a, b]) => ({ ...a, ...b })), weight: 1 },
    {
      arbitrary: fc
        .tuple(fits, fc.subarray(members.map(([name]) => name)))
        .map(([value, kept]) =>
          Object.fromEntries(Object.entries(value).filter(([name]) => kept.includes(name))),
        ),
      weight: 1,
    },
  );
}

/** Names are short in life; longer ones than allowed come from the hostile values. Digests and times have their length. */
function matching(pattern: RegExp, maxLength: number): fc.Arbitrary<string> {
  for (const length of [Math.min(maxLength, 20), maxLength]) {
    try {
      return fc.stringMatching(pattern, { maxLength: length });
    } catch {
      // The pattern has no text as short as that.
    }
  }
  return fc.stringMatching(pattern);
}

function strings(schema: JsonSchema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = 40 } = schema;
  if (schema.pattern !== undefined) {
    return matching(new RegExp(schema.pattern), maxLength);
  }
  return fc.oneof(
    {
      arbitrary: fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 40) }),
      weight: 6,
    },
    {
      arbitrary: fc.integer({ min: 0, max: 1 }).map((over) => 'x'.repeat(maxLength + over)),
      weight: 1,
    },
  );
}
