import { z } from 'zod';
import type { RbacBinding, RbacRole } from '../../domain/doctor/rbac.rules.js';
import { SUBJECT_KINDS } from '../../domain/doctor/rbac.rules.js';

// What the doctor reads of an API server's answers, and no more of it.

export const Version = z.object({ major: z.string(), minor: z.string(), gitVersion: z.string() });

export const ResourceList = z.object({
  resources: z.array(z.object({ name: z.string(), verbs: z.array(z.string()).default([]) })),
});

export const GroupList = z.object({
  groups: z.array(
    z.object({ name: z.string(), versions: z.array(z.object({ version: z.string() })) }),
  ),
});

export const AccessReviewAnswer = z.object({ status: z.object({ allowed: z.boolean() }) });

const labels = z.record(z.string(), z.string()).nullish();
const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels,
});
const texts = z.array(z.string()).nullish();

const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z
      .array(item)
      .nullish()
      .transform((it) => it ?? []),
    metadata: z.object({ continue: z.string().exactOptional() }),
  });

export const LabelledNamespace = z.object({ metadata: z.object({ labels }) });
export const NamespaceNames = listOf(z.object({ metadata }));

export const PodsWithContainers = listOf(
  z.object({
    metadata,
    status: z
      .object({
        ephemeralContainerStatuses: z
          .array(
            z.object({
              name: z.string(),
              state: z.object({ running: z.object({ startedAt: z.string() }).nullish() }).nullish(),
            }),
          )
          .nullish(),
      })
      .nullish(),
  }),
);

const role = z.object({
  metadata,
  rules: z
    .array(
      z.object({
        verbs: texts,
        apiGroups: texts,
        resources: texts,
        resourceNames: texts,
      }),
    )
    .nullish(),
  aggregationRule: z
    .object({ clusterRoleSelectors: z.array(z.object({ matchLabels: labels })).nullish() })
    .nullish(),
});
export const RoleList = listOf(role);

const binding = z.object({
  metadata,
  roleRef: z.object({ kind: z.enum(['Role', 'ClusterRole']), name: z.string() }),
  subjects: z
    .array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() }))
    .nullish(),
});
export const BindingList = listOf(binding);

export const AdmissionPolicies = listOf(z.object({ metadata }));
export const AdmissionBindings = listOf(
  z.object({
    spec: z.object({
      policyName: z.string(),
      validationActions: texts.transform((it) => it ?? []),
    }),
  }),
);

export function roleOf({ metadata: of, rules, aggregationRule }: z.output<typeof role>): RbacRole {
  return {
    namespace: of.namespace ?? null,
    name: of.name,
    labels: of.labels ?? {},
    rules: (rules ?? []).map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs: verbs ?? [],
      apiGroups: apiGroups ?? [],
      resources: resources ?? [],
      resourceNames: resourceNames ?? [],
    })),
    // By labels alone, as all of Kubernetes' own are: what other selectors take in, the controller has put into the rules.
    aggregates: (aggregationRule?.clusterRoleSelectors ?? []).flatMap(({ matchLabels }) =>
      matchLabels && Object.keys(matchLabels).length > 0 ? [matchLabels] : [],
    ),
  };
}

/** Subjects of other kinds than RBAC knows are nobody. */
export function bindingOf({
  metadata: of,
  roleRef,
  subjects,
}: z.output<typeof binding>): RbacBinding {
  return {
    namespace: of.namespace ?? null,
    name: of.name,
    labels: of.labels ?? {},
    role: roleRef,
    subjects: (subjects ?? []).flatMap(({ kind, name, namespace = null }) => {
      const known = SUBJECT_KINDS.find((it) => it === kind);
      return known === undefined ? [] : [{ kind: known, name, namespace }];
    }),
  };
}
