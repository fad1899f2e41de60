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

const IMPERSONATION = `## For audit logs that name the human

With \`clusters[].impersonate\` in the configuration, what Hallpass does for somebody in a cluster (adding the container,
terminals and commands, logs, ports) it does in their name, by impersonation. The API server's own audit log then has both,
\`user\` (Hallpass's account) and \`impersonatedUser\`: their e-mail address, or their subject where the issuer tells none,
after a prefix (\`hallpass:robin@example.com\`; what is no printable ASCII is percent-encoded), the group
\`hallpass:sessions\`, and the session's id under \`hallpass.dev/session\`. What Hallpass does for itself (looking, ending
sessions on time, evicting) it does as itself, and does when nobody is there any more.

\`\`\`yaml
clusters:
  - name: prod-eu
    inCluster: true
    namespaces: [shop]
    impersonate: {} # userPrefix: 'hallpass:', group: 'hallpass:sessions'
\`\`\`

What people may do in sessions is then bound to the group, and to no person: \`patch\` on \`pods/ephemeralcontainers\`,
\`get\` and \`create\` on \`pods/exec\`, \`get\` on \`pods/log\`, \`get\` and \`create\` on \`pods/portforward\`. One of these files is
applied in addition to \`rbac.yaml\`, in place of \`rbac-logs.yaml\` and \`rbac-portforward.yaml\`:

| file | Kubernetes | what Hallpass can do by it at worst |
| --- | --- | --- |
| \`deploy/rbac-impersonate.yaml\` | any | Whatever is bound to single users, in their names: RBAC cannot bound \`impersonate\` on \`users\` by a prefix. Of groups, \`hallpass:sessions\` alone. |
| \`deploy/rbac-impersonate-constrained.yaml\` | 1.36 and later | The same four things in the namespaces named, and nothing else. |

Which of them is meant is not configured: the API server tries the constrained rights first, and the classic one after
them, for the same headers. Where the right is missing, sessions are refused as \`cluster-unauthorized\`, with a sentence
that says so. Of \`rbac.yaml\`, \`patch\` on \`pods/ephemeralcontainers\` is not used any more: take it out, as the chart does
(\`test/e2e/impersonation.test.ts\` runs the whole product in both ways). The [bypass detector](bypass.md) takes such calls
for the session's where the name is its requester's, and the [lock-down kit](lockdown.md) knows Hallpass by the group, which
its \`sessionGroups\` must name, with the session's id beside it; the chart sees to that.`;

/** `docs/permissions.md`: the rights of the broker's account. */
export function permissionsDocument(): string {
  return [INTRODUCTION, ...RIGHT_SETS.map(section), IMPERSONATION].join('\n\n');
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
