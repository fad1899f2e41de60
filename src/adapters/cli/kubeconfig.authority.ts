import { isIP } from 'node:net';
import tls from 'node:tls';
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';

const DATA = 'certificate-authority-data';
const Kubeconfig = z.looseObject({
  clusters: z.array(
    z.looseObject({
      cluster: z.looseObject({ server: z.string(), [DATA]: z.string().optional() }),
    }),
  ),
});

/**
 * A kubeconfig that the broker sent, with the authority that the broker itself is trusted by here, in PEM, where it brings
 * none. Where it leads to another address, whose certificate may be anybody's, it stays as it is.
 */
export function withAuthority(
  text: string,
  broker: { readonly server: string; readonly caPem: string },
): string {
  const config = Kubeconfig.safeParse(parseDocument(text).toJS()).data;
  const ours = config?.clusters.filter(
    ({ cluster }) => cluster[DATA] === undefined && isAt(cluster.server, broker.server),
  );
  if (!ours?.length) return text;
  // The file may hold more, a key even.
  const certificates = `${broker.caPem.match(CERTIFICATE)?.join('\n') ?? ''}\n`;
  for (const { cluster } of ours) cluster[DATA] = Buffer.from(certificates).toString('base64');
  return stringify(config, { lineWidth: 0 });
}

const HANDSHAKE_MS = 10_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Whether the certificate of this address holds by the authorities that are known without being named: then kubectl knows
 * them too, and would not if another were put in their place. Undefined where it cannot be told.
 */
export function isKnownAsUsual(
  server: string,
  usual: readonly string[] = [
    ...tls.getCACertificates('bundled'),
    ...tls.getCACertificates('extra'),
  ],
): Promise<boolean | undefined> {
  const { protocol, hostname, port } = new URL(server);
  if (protocol !== 'https:') return Promise.resolve(undefined);
  const host = hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  // Nothing is sent: what it shows is looked at, and it is left.
  const socket = tls.connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: [...usual],
    rejectUnauthorized: false,
    timeout: HANDSHAKE_MS,
  });
  socket.once('secureConnect', () => resolve(socket.authorized));
  for (const event of ['error', 'timeout', 'close']) socket.once(event, () => resolve(undefined));
  return promise.finally(() => socket.destroy());
}

function isAt(address: string, server: string): boolean {
  return URL.parse(address)?.origin === new URL(server).origin;
}
