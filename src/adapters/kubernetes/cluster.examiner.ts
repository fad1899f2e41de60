import type { z } from 'zod';
import type { Reviewee } from '../../app/ports/cluster.looks.js';
import { ClusterLooks } from '../../app/ports/cluster.looks.js';
import type {
  AdmissionPolicyFacts,
  ApiFacts,
  ClockReading,
} from '../../domain/doctor/cluster.verdicts.js';
import type { RunningContainer } from '../../domain/doctor/containers.verdict.js';
import { Unseen } from '../../domain/doctor/finding.js';
import type { Rbac } from '../../domain/doctor/rbac.rules.js';
import { CONTAINER_PREFIX } from '../../domain/session/debug-container.js';
import type { Right } from '../../domain/doctor/rights.verdict.js';
import { ApiInquirer } from './api.inquirer.js';
import type { ClusterSettings } from './cluster.settings.js';
import {
  AccessReviewAnswer,
  AdmissionBindings,
  AdmissionPolicies,
  BindingList,
  bindingOf,
  GroupList,
  LabelledNamespace,
  NamespaceNames,
  PodsWithContainers,
  ResourceList,
  RoleList,
  roleOf,
  Version,
} from './examined.documents.js';

const AUTHORIZATION = '/apis/authorization.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

/** Looks at a cluster by its API, with the credentials that it is given, and changes nothing. Asks once, and no more. */
export class ClusterExaminer extends ClusterLooks {
  readonly name: string;
  private discovered: Promise<ApiFacts | Unseen> | undefined;
  private readonly inquirer: ApiInquirer;

  constructor(settings: ClusterSettings) {
    super();
    this.inquirer = new ApiInquirer(settings);
    this.name = settings.name;
  }

  override api(signal: AbortSignal): Promise<ApiFacts | Unseen> {
    this.discovered ??= this.discover(signal);
    return this.discovered;
  }

  private async discover(signal: AbortSignal): Promise<ApiFacts | Unseen> {
    const [version, core, groups] = await Promise.all([
      this.inquirer.read('/version', Version, signal),
      this.inquirer.read('/api/v1', ResourceList, signal),
      this.inquirer.read('/apis', GroupList, signal),
    ]);
    if (version instanceof Unseen) return version;
    if (core instanceof Unseen) return core;
    const subresources = new Map(
      core.resources.flatMap(({ name, verbs }) =>
        name.startsWith('pods/') ? [[name.slice('pods/'.length), verbs] as const] : [],
      ),
    );
    return { version, subresources, admissionPolicies: await this.hasPolicies(groups, signal) };
  }

  private async hasPolicies(
    groups: z.output<typeof GroupList> | Unseen,
    signal: AbortSignal,
  ): Promise<boolean | Unseen> {
    if (groups instanceof Unseen) return groups;
    const group = groups.groups.find(({ name }) => name === 'admissionregistration.k8s.io');
    if (!group?.versions.some(({ version }) => version === 'v1')) return false;
    const found = await this.inquirer.read(ADMISSION, ResourceList, signal);
    return found instanceof Unseen
      ? found
      : found.resources.some(({ name }) => name === 'validatingadmissionpolicies');
  }

  override async may(
    who: Reviewee,
    right: Right,
    { namespace, signal }: { readonly namespace?: string; readonly signal: AbortSignal },
  ): Promise<boolean | Unseen> {
    const isOther = who !== 'self' && 'user' in who;
    const kind = isOther ? 'SubjectAccessReview' : 'SelfSubjectAccessReview';
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind,
      spec: {
        resourceAttributes: {
          ...(namespace === undefined ? {} : { namespace }),
          ...attributesOf(right),
        },
        ...(isOther ? who : {}),
      },
    };
    const headers: Readonly<Record<string, string>> =
      who !== 'self' && 'actedAs' in who
        ? { 'Impersonate-User': who.actedAs.user, 'Impersonate-Group': who.actedAs.group }
        : {};
    const answer = await this.inquirer.read(
      `${AUTHORIZATION}/${kind.toLowerCase()}s`,
      AccessReviewAnswer,
      signal,
      { body, headers },
    );
    return answer instanceof Unseen ? answer : answer.status.allowed;
  }

  override async rbac(signal: AbortSignal): Promise<Rbac | Unseen> {
    const [roles, clusterRoles, bindings, clusterBindings] = await Promise.all([
      this.inquirer.list(`${RBAC}/roles`, RoleList, signal),
      this.inquirer.list(`${RBAC}/clusterroles`, RoleList, signal),
      this.inquirer.list(`${RBAC}/rolebindings`, BindingList, signal),
      this.inquirer.list(`${RBAC}/clusterrolebindings`, BindingList, signal),
    ]);
    if (roles instanceof Unseen) return roles;
    if (clusterRoles instanceof Unseen) return clusterRoles;
    if (bindings instanceof Unseen) return bindings;
    if (clusterBindings instanceof Unseen) return clusterBindings;
    return {
      roles: [...roles, ...clusterRoles].map(roleOf),
      bindings: [...bindings, ...clusterBindings].map(bindingOf),
    };
  }

  override async namespaceLabels(
    name: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | Unseen> {
    const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
    const found = await this.inquirer.read(path, LabelledNamespace, signal);
    return found instanceof Unseen ? found : (found.metadata.labels ?? {});
  }

  override async namespaces(signal: AbortSignal): Promise<readonly string[] | Unseen> {
    const found = await this.inquirer.list('/api/v1/namespaces', NamespaceNames, signal);
    return found instanceof Unseen ? found : found.map(({ metadata }) => metadata.name);
  }

  override async debugContainers(
    namespace: string,
    signal: AbortSignal,
  ): Promise<readonly RunningContainer[] | Unseen> {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const found = await this.inquirer.list(path, PodsWithContainers, signal);
    if (found instanceof Unseen) return found;
    return found.flatMap(({ metadata, status }) =>
      (status?.ephemeralContainerStatuses ?? []).flatMap(({ name, state }) =>
        name.startsWith(CONTAINER_PREFIX) && state?.running
          ? [{ pod: metadata.name, container: name, startedAt: state.running.startedAt }]
          : [],
      ),
    );
  }

  override async admissionPolicies(
    signal: AbortSignal,
  ): Promise<readonly AdmissionPolicyFacts[] | Unseen> {
    const api = await this.api(signal);
    if (!(api instanceof Unseen) && api.admissionPolicies === false) return [];
    const [policies, bindings] = await Promise.all([
      this.inquirer.list(`${ADMISSION}/validatingadmissionpolicies`, AdmissionPolicies, signal),
      this.inquirer.list(
        `${ADMISSION}/validatingadmissionpolicybindings`,
        AdmissionBindings,
        signal,
      ),
    ]);
    if (policies instanceof Unseen) return policies;
    if (bindings instanceof Unseen) return bindings;
    return policies.map(({ metadata: { name, labels } }) => ({
      name,
      labels: labels ?? {},
      actions: bindings
        .filter(({ spec }) => spec.policyName === name)
        .map(({ spec }) => spec.validationActions),
    }));
  }

  override async clock(signal: AbortSignal): Promise<ClockReading | Unseen> {
    const found = await this.inquirer.ask('/version', signal);
    if (found instanceof Unseen) return found;
    const { date, askedMs, answeredMs } = found;
    const thereMs = Date.parse(date ?? '');
    return Number.isNaN(thereMs)
      ? new Unseen(
          'it does not tell the time (no Date header)',
          'compare the clocks of its nodes by hand',
        )
      : { thereMs, askedMs, answeredMs, grainMs: 1_000 };
  }

  override close(): Promise<void> {
    return this.inquirer.close();
  }
}

/** Of a right nothing but what a review asks about. */
function attributesOf({ verb, group, resource, subresource, name = '' }: Right): object {
  const all = { verb, group, resource, subresource, name };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}
