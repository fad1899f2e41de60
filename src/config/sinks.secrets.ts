import { WEBHOOK_SECRET, WEBHOOK_SECRET_RULE } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { s3Of } from './recordings.secrets.js';
import type { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { CA, secretIn, textIn } from './secret.files.js';
import type { SinkConfig, SinkDocument } from './sinks.section.js';

const SYSLOG_TLS_PORT = 6514;
const HEADER_TEXT = /^[!-~]{1,1024}$/;

const HOOK: Held = {
  isRight: (text) => WEBHOOK_SECRET.test(text),
  sentence: `what it holds ${WEBHOOK_SECRET_RULE}`,
};
const TOKEN: Held = {
  isRight: (text) => HEADER_TEXT.test(text),
  sentence: 'what it holds must be 1 to 1024 printable ASCII characters without spaces',
};

/** Sinks with what is in their files; what is wrong with those goes to `mistakes`. */
export function sinksOf(
  sinks: readonly SinkDocument[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): SinkConfig[] {
  return sinks.flatMap((sink, index) => {
    const at = ['audit', 'sinks', index];
    const found = sinkOf(sink, {
      secret: (held) =>
        sink.secretFile === undefined
          ? undefined
          : secretIn(sink.secretFile, held, [...at, 'secretFile'], sources, mistakes),
      caPem: () =>
        sink.caFile === undefined
          ? null
          : (textIn(sink.caFile, CA, [...at, 'caFile'], sources, mistakes) ?? null),
      s3: () => (sink.s3 === undefined ? null : s3Of(sink.s3, [...at, 's3'], sources, mistakes)),
    });
    return found === undefined ? [] : [found];
  });
}

/** @returns undefined where something is missing, which the schema or a mistake has told of. */
function sinkOf(
  sink: SinkDocument,
  files: {
    readonly secret: (held: Held) => Secret | undefined;
    readonly caPem: () => string | null;
    readonly s3: () => ReturnType<typeof s3Of>;
  },
): SinkConfig | undefined {
  const { name, kind, format, batch, url, host, index = null, port = SYSLOG_TLS_PORT } = sink;
  const common = { name, format, batch, everyMs: sink.everySeconds * 1000 };
  if (kind === 's3') {
    const s3 = files.s3();
    return s3 === null ? undefined : { ...common, kind, s3 };
  }
  const caPem = files.caPem();
  if (kind === 'syslog') {
    return host === undefined ? undefined : { ...common, kind, host, port, caPem };
  }
  const secret = files.secret(kind === 'webhook' ? HOOK : TOKEN);
  if (url === undefined || secret === undefined) return undefined;
  return kind === 'webhook'
    ? { ...common, kind, url, secret, caPem }
    : { ...common, kind, url, token: secret, index, caPem };
}
