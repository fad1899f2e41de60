import { WEBHOOK_SECRET } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { s3Of } from './recordings.secrets.js';
import { Secret } from './secret.js';
import { heldIn } from './secret.files.js';
import type { SinkConfig, SinkDocument } from './sinks.section.js';

const SYSLOG_TLS_PORT = 6514;
const HEADER_TEXT = /^[!-~]{1,1024}$/;

/** Sinks with what is in their files; what is wrong with those goes to `mistakes`. */
export function sinksOf(
  sinks: readonly SinkDocument[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): SinkConfig[] {
  return sinks.flatMap((sink, index) => {
    const found = sinkOf(sink, {
      read: (key, rule) => {
        const file = sink[key];
        if (file === undefined) return undefined;
        const sentence = 'does not hold what it should';
        const isRight = (text: string) => rule.test(text);
        const path = ['audit', 'sinks', index, key];
        return heldIn(file, { isRight, sentence }, path, sources, mistakes);
      },
      s3: () =>
        sink.s3 === undefined
          ? null
          : s3Of(sink.s3, ['audit', 'sinks', index, 's3'], sources, mistakes),
    });
    return found === undefined ? [] : [found];
  });
}

/** @returns undefined where something is missing, which the schema or a mistake has told of. */
function sinkOf(
  sink: SinkDocument,
  files: {
    readonly read: (key: 'secretFile' | 'caFile', rule: RegExp) => string | undefined;
    readonly s3: () => ReturnType<typeof s3Of>;
  },
): SinkConfig | undefined {
  const { name, kind, format, batch, url, host, index = null, port = SYSLOG_TLS_PORT } = sink;
  const common = { name, format, batch, everyMs: sink.everySeconds * 1000 };
  const caPem = (): string | null => files.read('caFile', /-----BEGIN CERTIFICATE-----/) ?? null;
  if (kind === 's3') {
    const s3 = files.s3();
    return s3 === null ? undefined : { ...common, kind, s3 };
  }
  if (kind === 'syslog') {
    return host === undefined ? undefined : { ...common, kind, host, port, caPem: caPem() };
  }
  const text = files.read('secretFile', kind === 'webhook' ? WEBHOOK_SECRET : HEADER_TEXT);
  if (url === undefined || text === undefined) return undefined;
  const secret = new Secret(text);
  return kind === 'webhook'
    ? { ...common, kind, url, secret, caPem: caPem() }
    : { ...common, kind, url, token: secret, index, caPem: caPem() };
}
