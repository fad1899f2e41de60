import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/** The type Policy of `audit.k8s.io/v1`, with every field that it has and no other. */
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
const Words = z.array(z.string());
const Rule = z.strictObject({
  level: z.enum(['None', 'Metadata', 'Request', 'RequestResponse']),
  users: Words.optional(),
  userGroups: Words.optional(),
  verbs: Words.optional(),
  resources: z
    .array(
      z.strictObject({
        group: z.string().optional(),
        resources: Words.optional(),
        resourceNames: Words.optional(),
      }),
    )
    .optional(),
  namespaces: Words.optional(),
  nonResourceURLs: Words.optional(),
  omitStages: z.array(z.enum(STAGES)).optional(),
  omitManagedFields: z.boolean().optional(),
});
export const AuditPolicy = z.strictObject({
  apiVersion: z.literal('audit.k8s.io/v1'),
  kind: z.literal('Policy'),
  metadata: z.unknown().optional(),
  omitStages: z.array(z.enum(STAGES)).optional(),
  omitManagedFields: z.boolean().optional(),
  rules: z.array(Rule).min(1),
});
export type AuditPolicy = z.infer<typeof AuditPolicy>;

/** What a rule may look at. */
export interface Attributes {
  readonly verb: string;
  readonly user: string;
  /** Null: the path of no resource. */
  readonly resource: { readonly group: string; readonly name: string } | null;
}

export function readPolicy(file: string): AuditPolicy {
  return AuditPolicy.parse(parse(readFileSync(file, 'utf8'), { strict: true, uniqueKeys: true }));
}

/** The level of the first rule that matches, as kube-apiserver evaluates them; `None` where none does. */
export function levelOf(policy: AuditPolicy, asked: Attributes): z.infer<typeof Rule>['level'] {
  return policy.rules.find((rule) => matches(rule, asked))?.level ?? 'None';
}

/** What is logged of a call at each stage; `stages` in their order. */
export function loggedOf(
  policy: AuditPolicy,
  asked: Attributes,
  entries: readonly Record<string, unknown>[],
): Record<string, unknown>[] {
  const level = levelOf(policy, asked);
  if (level === 'None') return [];
  const omitted = new Set<unknown>(policy.omitStages);
  return entries
    .filter(({ stage }) => !omitted.has(stage))
    .map(({ requestObject, ...entry }) => ({
      ...entry,
      level,
      ...(level === 'Metadata' || requestObject === undefined ? {} : { requestObject }),
    }));
}

function matches(rule: z.infer<typeof Rule>, { verb, user, resource }: Attributes): boolean {
  const isIn = (words: string[] | undefined, word: string) =>
    words === undefined || words.length === 0 || words.includes(word) || words.includes('*');
  if (rule.userGroups !== undefined || rule.namespaces !== undefined)
    throw new Error('this evaluator does not know these');
  if (!isIn(rule.verbs, verb) || !isIn(rule.users, user)) return false;
  if (rule.resources === undefined) return rule.nonResourceURLs === undefined;
  return (
    resource !== null &&
    rule.resources.some(
      (it) => (it.group ?? '') === resource.group && isIn(it.resources, resource.name),
    )
  );
}
