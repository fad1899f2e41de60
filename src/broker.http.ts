import { readFile } from 'node:fs/promises';
import packageJson from '../package.json' with { type: 'json' };
import type { HttpSettings } from './adapters/http/http.settings.js';
import { STREAMS } from './adapters/http/http.settings.js';
import { SOCKETS } from './adapters/http/socket.settings.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import { TRACE_PLACE } from './config/address.rules.js';
import type { Config } from './config/config.schema.js';

/** What the API is served with. */
export async function httpSettings({
  server,
  identity,
  tls,
  tracing,
}: Config): Promise<HttpSettings> {
  const { publicUrl, trustProxy, origins, caFile } = server;
  const { linkTemplate } = tracing;
  const settings = {
    version: packageJson.version,
    publicUrl,
    trustProxy,
    origins,
    streams: STREAMS,
    sockets: SOCKETS,
    signIn: identity.issuers.flatMap(({ issuer, cli }) =>
      cli ? [{ issuer, ...cli, resource: cli.resource ?? null }] : [],
    ),
    ...(caFile === undefined ? {} : { caPem: await readFile(caFile, 'utf8') }),
    ...(linkTemplate === undefined
      ? {}
      : { traceLink: (traceId: string) => linkTemplate.replaceAll(TRACE_PLACE, traceId) }),
  };
  if (!tls) return settings;
  return { ...settings, tls: tls.current() };
}

/** A certificate that nobody takes is no reason not to end sessions. */
export function tellOfCertificate(
  tls: Config['tls'],
  { clock, journal }: { readonly clock: Clock; readonly journal: Journal },
): void {
  if (!tls) return;
  const { validFrom, validTo } = tls;
  const now = clock.now();
  if (validFrom <= now && now < validTo) return;
  journal.error(
    { key: 'server.tls.certFile', validFrom, validTo },
    'the certificate has expired, or is not valid yet: nobody will connect until another one is in its place, and sessions end all the same',
  );
}
