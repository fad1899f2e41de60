import type { ClusterRight, RightSet } from '../src/domain/cluster.rights.js';
import { CLUSTER_RIGHTS, RIGHT_SETS } from '../src/domain/cluster.rights.js';

const INTRODUCTION = `# Permissions in a cluster

<!-- Made by \`npm run docs\` from src/domain/cluster.rights.ts: change it there. -->

All that Hallpass may do in a cluster, line by line: what each right is used for, and what happens without it. A test
runs the whole product against an API server that enforces exactly these rights, and fails where one is missing **and
where one is never used** (\`test/e2e/rights.test.ts\`). \`npm run rbac\` runs it and prints each right with how often it
was used.

Not among them, and never asked for: secrets, configuration, nodes and \`nodes/proxy\`; creating, changing or deleting
Pods or workloads; tokens, roles and bindings. No verb is \`*\`.

The account is \`hallpass\` in the namespace \`hallpass\`. It gets these rights in one of two ways:

- **Namespace by namespace** (\`deploy/rbac.yaml\`): a Role and a RoleBinding in each namespace whose Pods may be debugged.
  The API server itself then keeps Hallpass out of all others, whatever its configuration says.
- **In the whole cluster** (\`deploy/cluster-wide/rbac.yaml\`): a ClusterRole and a ClusterRoleBinding, for clusters where
  sessions may be asked for anywhere. Only \`clusters[].namespaces\` of the configuration limits it then.`;

const SECTIONS: Readonly<Record<RightSet, { readonly title: string; readonly file: string }>> = {
  always: { title: 'For every installation', file: 'rbac.yaml' },
  evict: { title: 'For policies with `onOverrun: evict`', file: 'rbac-evict.yaml' },
  logs: { title: 'For reading logs with kubectl', file: 'rbac-logs.yaml' },
  portforward: { title: 'For policies with `portForward: true`', file: 'rbac-portforward.yaml' },
};

/** `docs/permissions.md`: the rights of the broker's account. */
export function permissionsDocument(): string {
  return [INTRODUCTION, ...RIGHT_SETS.map(section)].join('\n\n');
}

function section(set: RightSet): string {
  const { title, file } = SECTIONS[set];
  const rows = CLUSTER_RIGHTS.filter((it) => it.set === set).map(
    (it) => `| \`${it.verb}\` | ${path(it)} | ${it.why} | ${it.without} |`,
  );
  return [
    `## ${title}\n`,
    `\`deploy/${file}\`, or \`deploy/cluster-wide/${file}\`.\n`,
    '| verb | resource | what for | without it |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function path({ group, resource, subresource }: ClusterRight): string {
  const name = subresource === '' ? resource : `${resource}/${subresource}`;
  return group === '' ? `\`${name}\`` : `\`${name}\` of \`${group}\``;
}
