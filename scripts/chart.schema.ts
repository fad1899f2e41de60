import { z } from 'zod';
import { configSchema } from '../src/config/config.schema.js';
import { readValues } from './chart.comments.js';
import type { ValueRow } from './chart.comments.js';
import { chartValues, FILE_KEY } from './chart.values.js';

/** As much of JSON Schema (draft 7, which every Helm reads) as is looked at here. */
export interface Schema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  pattern?: string;
  secret?: boolean;
  kubernetes?: boolean;
  [keyword: string]: unknown;
}

/** What the chart itself sets, or what nobody but migrations has: no business of who installs it. */
const NOT_IN_VALUES: readonly string[] = [
  'server.port',
  'server.managementPort',
  'server.tls',
  'policies',
  'database.ownerUrlFile',
];

/** Files that are no secrets and lie where they are: paths only. */
const PATHS: ReadonlySet<string> = new Set(['logFile', 'file']);

/** What is missing in them is told of by the templates, in a sentence. */
const TOLD_BY_TEMPLATES: ReadonlySet<string> = new Set([
  '',
  'server',
  'database',
  'identity',
  'audit',
]);

/** What templates look into, or at, before they tell what is missing. */
const NEEDED_OF_CONFIG = /^config\.(server|server\.publicUrl|database|identity|audit)$/;

/** What is in them is Kubernetes' own. */
const OF_KUBERNETES = /^(pod|container)SecurityContext\./;

/** `values.schema.json` of the chart. */
export function valuesSchema(): string {
  const options = { io: 'input', target: 'draft-7' } as const;
  const chart = z.toJSONSchema(chartValues, options) as Schema;
  const config = z.toJSONSchema(configSchema, options) as Schema;
  const properties = chart.properties ?? {};
  properties['config'] = configPart(config, '');
  const { $schema, ...rest } = withFiles(chart, '');
  for (const row of readValues()) {
    describe(rest, row);
    if (isNeeded(row)) need(rest, row.path);
  }
  return JSON.stringify({ $schema, title: 'Values of the chart hallpass', ...rest }, null, 2);
}

/** The configuration's schema without secrets, and without what is not the installer's. */
function configPart(schema: Schema, path: string): Schema {
  const { properties, items, anyOf, required, examples, default: _, ...rest } = schema;
  const made: Schema = { ...rest };
  if (properties) {
    const kept = Object.entries(properties)
      .map(([name, child]) => ({ name, child, at: path === '' ? name : `${path}.${name}` }))
      .filter(({ child, at }) => child.secret !== true && !NOT_IN_VALUES.includes(at));
    made.properties = Object.fromEntries(
      kept.map(({ name, child, at }) => [name, configPart(child, at)]),
    );
    const needed = (required ?? []).filter((name) => kept.some((it) => it.name === name));
    if (needed.length > 0 && !TOLD_BY_TEMPLATES.has(path)) made.required = needed;
    made.additionalProperties = false;
  }
  if (items) made.items = configPart(items, `${path}[]`);
  if (anyOf) made.anyOf = anyOf.map((one) => configPart(one, path));
  // A list or a text that is empty by default is told of by the templates.
  if (path === 'identity.issuers' || path === 'clusters' || path === 'audit.keyFiles') {
    delete made['minItems'];
  }
  if (path === 'server.publicUrl') {
    delete made['minLength'];
    made.pattern = '^(https?://.*[^/])?$';
  }
  return examples === undefined ? made : { ...made, examples };
}

/** Each file as a path, or as the key of a Secret or ConfigMap. */
function withFiles(schema: Schema, name: string): Schema {
  const { kubernetes: _, secret: __, ...made } = schema;
  if (isFile(name) && made.type === 'string') return fileSchema(made);
  if (made.properties) {
    made.properties = Object.fromEntries(
      Object.entries(made.properties).map(([key, child]) => [key, withFiles(child, key)]),
    );
  }
  if (made.items) made.items = withFiles(made.items, name.replace(/Files$/, 'File'));
  if (made.anyOf) made.anyOf = made.anyOf.map((one) => withFiles(one, ''));
  if (typeof made.additionalProperties === 'object') {
    made.additionalProperties = withFiles(made.additionalProperties, '');
  }
  return made;
}

function isFile(name: string): boolean {
  return !PATHS.has(name) && (name.endsWith('File') || name === 'kubeconfig');
}

function fileSchema({ description }: Schema): Schema {
  const key = { type: 'string', pattern: FILE_KEY.source };
  const object = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' };
  return {
    ...(description === undefined ? {} : { description }),
    type: ['string', 'object'],
    minLength: 1,
    maxLength: 4096,
    properties: { existingSecret: { ...object }, existingConfigMap: { ...object }, key },
    required: ['key'],
    minProperties: 2,
    maxProperties: 2,
    additionalProperties: false,
  };
}

/**
 * Whether it may not be nothing. `key:` with nothing behind it takes a default away, as where all that stands below is a
 * comment. Lists and labels are empty then; templates cannot do without groups and single values.
 */
function isNeeded({ path, fallback, isGroup }: ValueRow): boolean {
  if (path.startsWith('config.')) return NEEDED_OF_CONFIG.test(path);
  return !OF_KUBERNETES.test(path) && (isGroup || typeof fallback !== 'object');
}

/** Makes it required of the group that it is in. */
function need(root: Schema, path: string): void {
  const steps = path.split('.');
  const name = steps.pop() ?? '';
  const parent = steps.reduce<Schema | undefined>((at, step) => at?.properties?.[step], root);
  if (parent && !parent.required?.includes(name)) (parent.required ??= []).push(name);
}

function describe(root: Schema, { path, comment }: { path: string; comment: string }): void {
  let at: Schema | undefined = root;
  for (const step of path.split('.')) at = at?.properties?.[step];
  if (at && comment !== '') at.description ??= comment;
}
