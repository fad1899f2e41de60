import type { ConfigKey } from './config.keys.js';
import { describeConfig, VARIABLE_PREFIX } from './config.keys.js';
import { nearestName } from '../domain/nearest.name.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What one variable sets. */
export interface Setting {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface VariableMistake {
  readonly variable: string;
  readonly path: string;
  readonly message: string;
}

export const CONFIG_FILE_VARIABLE = 'HALLPASS_CONFIG';
const DATABASE_URL = 'DATABASE_URL';
const DATABASE_URL_PATH = 'database.url';

/**
 * Reads the variables that set keys of the configuration. An object or a list is JSON text; a key inside an object has
 * a variable of its own, which goes over the object's. No mistake quotes a value.
 */
export function readEnvironment(env: Environment): {
  readonly settings: readonly Setting[];
  readonly mistakes: readonly VariableMistake[];
} {
  const keys = new Map(
    describeConfig().flatMap((key) => (key.variable === null ? [] : [[key.variable, key]])),
  );
  const settings: Setting[] = [];
  const mistakes: VariableMistake[] = [];
  for (const [variable, text] of given(env)) {
    const key = keys.get(variable);
    if (!key) {
      mistakes.push({ variable, path: '', message: unknownVariable(variable, [...keys.keys()]) });
      continue;
    }
    const value = valueOf(key, text);
    if (value instanceof Refused)
      mistakes.push({ variable, path: key.path, message: value.message });
    else settings.push({ variable, path: key.path.split('.'), value });
  }

  const url = env[DATABASE_URL];
  const other = settings.find((it) => it.path.join('.') === DATABASE_URL_PATH);
  if (url !== undefined && other && other.value !== url) {
    const message = `says another database than ${other.variable}: set one of the two`;
    mistakes.push({ variable: DATABASE_URL, path: DATABASE_URL_PATH, message });
  } else if (url !== undefined && !other) {
    settings.push({ variable: DATABASE_URL, path: DATABASE_URL_PATH.split('.'), value: url });
  }
  // An object as a whole comes before a key inside it.
  settings.sort((a, b) => a.path.length - b.path.length);
  return { settings, mistakes };
}

function given(env: Environment): [string, string][] {
  return Object.entries(env)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .filter(([name]) => name.startsWith(VARIABLE_PREFIX) && name !== CONFIG_FILE_VARIABLE)
    .filter(([name, text]) => !isServiceLink(name, text))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Kubernetes gives each container variables about the Services of its namespace; one named `hallpass` makes
 * `HALLPASS_SERVICE_HOST`, `HALLPASS_PORT=tcp://…` and the like.
 */
function isServiceLink(name: string, text: string): boolean {
  if (name.includes('__')) return false;
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text))
  );
}

function unknownVariable(variable: string, names: readonly string[]): string {
  const bare = variable.slice(VARIABLE_PREFIX.length);
  const near = nearestName(
    bare,
    names.map((name) => name.slice(VARIABLE_PREFIX.length)),
  );
  const sameEnd = names.find((name) => name.endsWith(`__${bare}`));
  const meant = near === undefined ? sameEnd : VARIABLE_PREFIX + near;
  return `is not known${meant === undefined ? '' : `: did you mean ${meant}?`}`;
}

class Refused {
  constructor(readonly message: string) {}
}

function valueOf(key: ConfigKey, text: string): unknown {
  switch (key.kind) {
    case 'text':
      return text;
    case 'number':
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(text)
        ? Number(text)
        : new Refused('must be a number');
    case 'boolean':
      return /^(true|false)$/.test(text) ? text === 'true' : new Refused('must be true or false');
    case 'object':
    case 'list':
    case 'either':
      return jsonValue(text);
  }
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text, (name, value: unknown) => {
      if (name === '__proto__') throw new SyntaxError('a prototype name');
      return value;
    });
  } catch (error) {
    // The parser's message quotes the text.
    if (error instanceof SyntaxError) return new Refused('must be JSON text');
    throw error;
  }
}

/** The environment of a process that is begun here: this one's, and what was said for it over that. */
export function environmentWith(
  variables: readonly { readonly name: string; readonly value: string }[],
  env: Environment = process.env,
): Environment {
  return { ...env, ...Object.fromEntries(variables.map(({ name, value }) => [name, value])) };
}
