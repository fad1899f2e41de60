import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { ApiException, AuthorizationV1Api } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';

/** One thing that may be done: `create pods/exec`, `get apps/deployments`; `pods/exec` is a subresource, `apps` a group. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

const strings = z.array(z.string());
const metadata = z.strictObject({ name: z.string(), namespace: z.string() });
const clusterWide = z.strictObject({ name: z.string() });
const rules = z.array(
  z.strictObject({
    apiGroups: strings,
    resources: strings,
    resourceNames: strings.exactOptional(),
    verbs: strings,
  }),
);
const roleRef = z.strictObject({ apiGroup: z.string(), kind: z.string(), name: z.string() });
const subjects = z.array(
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ServiceAccount'), name: z.string(), namespace: z.string() }),
    z.strictObject({
      kind: z.literal('Group'),
      apiGroup: z.literal('rbac.authorization.k8s.io'),
      name: z.string(),
    }),
  ]),
);
type Subject = z.infer<typeof subjects>[number];
const inRbac = z.literal('rbac.authorization.k8s.io/v1');

/** Strict, so that nothing which deploy/ says is left out unseen. */
const Manifest = z.discriminatedUnion('kind', [
  z.strictObject({ apiVersion: z.literal('v1'), kind: z.literal('ServiceAccount'), metadata }),
  z.strictObject({ apiVersion: inRbac, kind: z.literal('Role'), metadata, rules }),
  z.strictObject({
    apiVersion: inRbac,
    kind: z.literal('ClusterRole'),
    metadata: clusterWide,
    rules,
  }),
  z.strictObject({
    apiVersion: inRbac,
    kind: z.literal('RoleBinding'),
    metadata,
    roleRef,
    subjects,
  }),
  z.strictObject({
    apiVersion: inRbac,
    kind: z.literal('ClusterRoleBinding'),
    metadata: clusterWide,
    roleRef,
    subjects,
  }),
]);
export type Manifest = z.infer<typeof Manifest>;

/** What the files of deploy/ say, with other namespaces in place of theirs. */
export async function readManifests(
  files: readonly string[],
  namespaces: Readonly<Record<string, string>>,
): Promise<Manifest[]> {
  const texts = await Promise.all(
    files.map((file) => readFile(join(PROJECT_ROOT, 'deploy', file), 'utf8')),
  );
  const moved = <T extends { readonly namespace: string }>(it: T): T => {
    const namespace = namespaces[it.namespace];
    if (namespace === undefined) throw new Error(`deploy/ names a namespace ${it.namespace}`);
    return { ...it, namespace };
  };
  const movedTo = (it: Subject): Subject => (it.kind === 'ServiceAccount' ? moved(it) : it);
  return texts
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => {
      const manifest = Manifest.parse(document.toJS());
      switch (manifest.kind) {
        case 'ClusterRole':
          return manifest;
        case 'ClusterRoleBinding':
          return { ...manifest, subjects: manifest.subjects.map(movedTo) };
        case 'RoleBinding': {
          const at = moved(manifest.metadata);
          return { ...manifest, metadata: at, subjects: manifest.subjects.map(movedTo) };
        }
        case 'Role':
        case 'ServiceAccount':
          return { ...manifest, metadata: moved(manifest.metadata) };
      }
    });
}

/** What is of the whole cluster gets a name of its own, and is called by it. */
export function renamedFor(run: string, it: Manifest): Manifest {
  const named = (name: string) => `${run}-${name}`;
  switch (it.kind) {
    case 'ClusterRole':
      return { ...it, metadata: { name: named(it.metadata.name) } };
    case 'ClusterRoleBinding':
      return {
        ...it,
        metadata: { name: named(it.metadata.name) },
        roleRef: { ...it.roleRef, name: named(it.roleRef.name) },
      };
    case 'Role':
    case 'RoleBinding':
    case 'ServiceAccount':
      return it;
  }
}

/** Removes what goes with no namespace; nothing where it is not there. */
export async function removeClusterWide(
  { rbac }: { readonly rbac: RbacAuthorizationV1Api },
  { kind, metadata: { name } }: Manifest,
): Promise<void> {
  try {
    if (kind === 'ClusterRole') await rbac.deleteClusterRole({ name });
    if (kind === 'ClusterRoleBinding') await rbac.deleteClusterRoleBinding({ name });
  } catch (error) {
    const isGone = error instanceof ApiException && error.code === 404;
    if (!isGone) throw error;
  }
}

export async function createManifest(
  { core, rbac }: { readonly core: CoreV1Api; readonly rbac: RbacAuthorizationV1Api },
  body: Manifest,
): Promise<void> {
  switch (body.kind) {
    case 'ServiceAccount':
      await core.createNamespacedServiceAccount({ namespace: body.metadata.namespace, body });
      return;
    case 'Role':
      await rbac.createNamespacedRole({ namespace: body.metadata.namespace, body });
      return;
    case 'RoleBinding':
      await rbac.createNamespacedRoleBinding({ namespace: body.metadata.namespace, body });
      return;
    case 'ClusterRole':
      await rbac.createClusterRole({ body });
      return;
    case 'ClusterRoleBinding':
      await rbac.createClusterRoleBinding({ body });
  }
}

/** What the manifests let their account do, or those of a group. */
export function rightsOf(
  manifests: readonly Manifest[],
  of: Subject['kind'] = 'ServiceAccount',
): Right[] {
  const bound = new Set(
    manifests.flatMap((it) =>
      (it.kind === 'RoleBinding' || it.kind === 'ClusterRoleBinding') &&
      it.subjects.some(({ kind }) => kind === of)
        ? [`${it.roleRef.kind} ${it.roleRef.name}`]
        : [],
    ),
  );
  return manifests.flatMap((it) =>
    (it.kind === 'Role' || it.kind === 'ClusterRole') && bound.has(`${it.kind} ${it.metadata.name}`)
      ? rightsIn(it.rules)
      : [],
  );
}

/** All that the rules allow, one by one. */
export function rightsIn(
  rules: readonly {
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly verbs: readonly string[];
  }[],
): Right[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((path) => {
        const [resource = '', ...below] = path.split('/');
        const subresource = below.join('/');
        return verbs.map((verb) => ({ verb, group, resource, subresource }));
      }),
    ),
  );
}

/** `create pods/exec`, as people say it; a group is put after the resource: `get deployments.apps`. */
export function rightText({ verb, group, resource, subresource }: Right): string {
  const what = group === '' ? resource : `${resource}.${group}`;
  return `${verb} ${what}${subresource === '' ? '' : `/${subresource}`}`;
}

/** Whether that account may do it, as the API server says itself; without a namespace: in all of them. */
export async function may(
  account: KubeConfig,
  namespace: string | undefined,
  right: Right,
): Promise<boolean> {
  const api = account.makeApiClient(AuthorizationV1Api);
  const { status } = await api.createSelfSubjectAccessReview({
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { ...right, ...(namespace === undefined ? {} : { namespace }) } },
    },
  });
  return status?.allowed ?? false;
}
