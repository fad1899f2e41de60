import { Command } from 'commander';
import { z } from 'zod';
import { ClusterItem } from '../../contract/cluster.schema.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { table } from './styled.text.js';

const KnownCluster = ClusterItem.partial({ health: true });
type KnownCluster = z.infer<typeof KnownCluster>;

/** The list of clusters; a broker of before tells nothing of how they are. */
export const KnownClusters = z.strictObject({ items: z.array(KnownCluster) });
export type KnownClusters = z.infer<typeof KnownClusters>;

/** `hallpass clusters`. */
export function clusterCommand(deps: CommandDeps): Command {
  return clientCommand(new Command('clusters'))
    .description('where sessions can be asked for, and how the clusters are')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const { value, raw } = await (await running.broker()).call('/v1/clusters', KnownClusters);
        await running.show(raw, () => {
          const head = ['NAME', 'STATE', 'SINCE', 'KUBERNETES', 'NAMESPACES', 'WHY'];
          return table(head, value.items.map(row));
        });
        return EXIT.ok;
      }),
    );
}

function row(cluster: KnownCluster): string[] {
  const { name, namespaces, health } = cluster;
  return [
    name,
    health?.state ?? '-',
    health?.since ?? '-',
    health?.version ?? '-',
    namespaces.join(',') || '-',
    troubleOf(cluster) ?? '-',
  ];
}

/** What is the matter with a cluster, in a line. */
export function troubleOf({ health }: KnownCluster): string | undefined {
  if (!health) return undefined;
  const { why, credentialsRefusedSince } = health;
  if (why !== null || credentialsRefusedSince === null) return why ?? undefined;
  return `Its new credentials cannot be used since ${credentialsRefusedSince}.`;
}
