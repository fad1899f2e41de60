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
  for (const { cluster } of ours) cluster[DATA] = Buffer.from(broker.caPem).toString('base64');
  return stringify(config, { lineWidth: 0 });
}

function isAt(address: string, server: string): boolean {
  return URL.parse(address)?.origin === new URL(server).origin;
}
