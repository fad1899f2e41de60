import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { StandInCluster } from '../cluster/stand-in.cluster.js';
import { PROJECT_ROOT } from '../project.root.js';

const Role = z.object({
  kind: z.literal('Role'),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
});

/** The files of `deploy/` with all that a broker can be given, whatever its policies. */
export const BROKER_RIGHTS = [
  'rbac.yaml',
  'rbac-evict.yaml',
  'rbac-logs.yaml',
  'rbac-portforward.yaml',
] as const;

/** The broker's service account as `deploy/` has it: namespace and name. */
export const ACCOUNT = { namespace: 'hallpass', name: 'hallpass' };

/**
 * Makes the broker's account in the stand-in cluster, with exactly the rights of `deploy/`, the optional ones included, in
 * each of the namespaces, which must exist. Gives its kubeconfig (YAML).
 */
export function brokerKubeconfig(cluster: StandInCluster, namespaces: readonly string[]): string {
  cluster.addNamespace(ACCOUNT.namespace);
  for (const inNamespace of namespaces) grantBroker(cluster, inNamespace);
  return cluster.kubeconfig(`${ACCOUNT.namespace}/${ACCOUNT.name}`);
}

/**
 * Gives the account in a namespace what `deploy/` gives it there, in the place of what it had.
 *
 * @param without a verb on a resource that is left out: `create pods/exec`.
 */
export function grantBroker(cluster: StandInCluster, inNamespace: string, without = ''): void {
  const [verb, resource = ''] = without.split(' ');
  const rules = BROKER_RIGHTS.flatMap(readRules).map((rule) => ({
    ...rule,
    verbs: rule.verbs.filter((it) => it !== verb || !rule.resources.includes(resource)),
  }));
  cluster.addServiceAccount({ ...ACCOUNT, rules, inNamespace });
}

function readRules(file: string): z.infer<typeof Role>['rules'] {
  const text = readFileSync(join(PROJECT_ROOT, 'deploy', file), 'utf8');
  const roles = parseAllDocuments(text).flatMap((it) => Role.safeParse(it.toJS()).data ?? []);
  return roles.flatMap(({ rules }) => rules);
}
