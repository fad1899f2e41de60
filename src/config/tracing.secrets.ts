import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { Secret } from './secret.js';
import { CA, textIn } from './secret.files.js';
import type { TracingConfig, TracingDocument } from './tracing.section.js';

/** RFC 9110 §5.6.2 and §5.5, without what goes by itself with a request of protobuf. */
const HEADER =
  /^(?!(?:host|content-type|content-length|transfer-encoding|connection)[ \t]*:)([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})[ \t]*:[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)$/i;
const HEADERS_MAX = 20;
const HEADERS_RULE = `must hold 1 to ${HEADERS_MAX} lines \`name: value\`, none of them of what each request has`;

/** The section with what is in its files; what is wrong with those goes to `mistakes`. */
export function tracingOf(
  { otlp: named, ...plain }: TracingDocument,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): TracingConfig {
  if (named === undefined) return { otlp: null, ...plain };
  const read = (
    key: 'headersFile' | 'caFile',
    isRight: (it: string) => boolean,
    sentence: string,
  ) => {
    const file = named[key];
    if (file === undefined) return undefined;
    return textIn(file, { isRight, sentence }, ['tracing', 'otlp', key], sources, mistakes);
  };
  const headers = read('headersFile', (it) => headersIn(it) !== undefined, HEADERS_RULE);
  const caPem = read('caFile', CA.isRight, CA.sentence);
  return {
    otlp: {
      endpoint: named.endpoint,
      headers: (headers === undefined ? undefined : headersIn(headers)) ?? new Map(),
      caPem: caPem ?? null,
    },
    ...plain,
  };
}

function headersIn(held: string): ReadonlyMap<string, Secret> | undefined {
  const lines = held.split(/\r?\n/).filter((line) => line.trim() !== '');
  const headers = new Map<string, Secret>();
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line.trim()) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), new Secret(value));
  }
  return headers.size === 0 || headers.size > HEADERS_MAX ? undefined : headers;
}
