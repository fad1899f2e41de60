import type { z } from 'zod';
import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { fetch } from 'undici';
import type { Reviewee } from '../../app/ports/cluster.looks.js';
import { ClusterLooks } from '../../app/ports/cluster.looks.js';
import type {
  AdmissionPolicyFacts,
  ApiFacts,
  ClockReading,
} from '../../domain/doctor/cluster.verdicts.js';
import { Unseen } from '../../domain/doctor/finding.js';
import type { Rbac } from '../../domain/doctor/rbac.rules.js';
import type { Right } from '../../domain/doctor/rights.verdict.js';
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
  ResourceList,
  RoleList,
  roleOf,
  Version,
} from './examined.documents.js';
import { loadKubeconfig } from './kubeconfig.loader.js';
import type { PooledKubeConfig } from './pooled.kubeconfig.js';

const AT_ONCE = 16;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const PAGE = 500;
/** Of lists: 20,000 roles are read, and no more. */
const PAGES_MAX = 40;
const AUTHORIZATION = '/apis/authorization.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';

/** An answer, whatever it says. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly date: string | null;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** Looks at a cluster by its API, with the credentials that it is given, and changes nothing. Asks once, and no more. */
export class ClusterExaminer extends ClusterLooks {
  readonly name: string;
  private loading: Promise<PooledKubeConfig> | undefined;
  private readonly underWay = new Set<Promise<unknown>>();
  private discovered: Promise<ApiFacts | Unseen> | undefined;

  constructor(private readonly settings: ClusterSettings) {
    super();
    this.name = settings.name;
  }

  override api(signal: AbortSignal): Promise<ApiFacts | Unseen> {
    this.discovered ??= this.discover(signal);
    return this.discovered;
  }

  private async discover(signal: AbortSignal): Promise<ApiFacts | Unseen> {
    const [version, core, groups] = await Promise.all([
      this.read('/version', Version, signal),
      this.read('/api/v1', ResourceList, signal),
      this.read('/apis', GroupList, signal),
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
    const found = await this.read(ADMISSION, ResourceList, signal);
    return found instanceof Unseen
      ? found
      : found.resources.some(({ name }) => name === 'validatingadmissionpolicies');
  }

  override async may(
    who: Reviewee,
    right: Right,
    { namespace, signal }: { readonly namespace?: string; readonly signal: AbortSignal },
  ): Promise<boolean | Unseen> {
    const kind = who === 'self' ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
    const answer = await this.read(
      `${AUTHORIZATION}/${kind.toLowerCase()}s`,
      AccessReviewAnswer,
      signal,
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind,
        spec: {
          resourceAttributes: {
            ...(namespace === undefined ? {} : { namespace }),
            ...Object.fromEntries(Object.entries(right).filter(([, value]) => value !== '')),
          },
          ...(who === 'self' ? {} : who),
        },
      },
    );
    return answer instanceof Unseen ? answer : answer.status.allowed;
  }

  override async rbac(signal: AbortSignal): Promise<Rbac | Unseen> {
    const [roles, clusterRoles, bindings, clusterBindings] = await Promise.all([
      this.list(`${RBAC}/roles`, RoleList, signal),
      this.list(`${RBAC}/clusterroles`, RoleList, signal),
      this.list(`${RBAC}/rolebindings`, BindingList, signal),
      this.list(`${RBAC}/clusterrolebindings`, BindingList, signal),
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
    const found = await this.read(path, LabelledNamespace, signal);
    return found instanceof Unseen ? found : (found.metadata.labels ?? {});
  }

  override async namespaces(signal: AbortSignal): Promise<readonly string[] | Unseen> {
    const found = await this.list('/api/v1/namespaces', NamespaceNames, signal);
    return found instanceof Unseen ? found : found.map(({ metadata }) => metadata.name);
  }

  override async admissionPolicies(
    prefix: string,
    signal: AbortSignal,
  ): Promise<readonly AdmissionPolicyFacts[] | Unseen> {
    const api = await this.api(signal);
    if (!(api instanceof Unseen) && api.admissionPolicies === false) return [];
    const [policies, bindings] = await Promise.all([
      this.list(`${ADMISSION}/validatingadmissionpolicies`, AdmissionPolicies, signal),
      this.list(`${ADMISSION}/validatingadmissionpolicybindings`, AdmissionBindings, signal),
    ]);
    if (policies instanceof Unseen) return policies;
    if (bindings instanceof Unseen) return bindings;
    return policies
      .map(({ metadata: { name } }) => name)
      .filter((name) => name.startsWith(prefix))
      .map((name) => ({
        name,
        actions: bindings
          .filter(({ spec }) => spec.policyName === name)
          .map(({ spec }) => spec.validationActions),
      }));
  }

  override async clock(signal: AbortSignal): Promise<ClockReading | Unseen> {
    const found = await this.ask('/version', signal);
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

  override async close(): Promise<void> {
    const config = await this.loading?.catch(() => undefined);
    await config?.destroy();
  }

  private async list<T>(
    path: string,
    schema: z.ZodType<{ readonly items: T[]; readonly metadata: { readonly continue?: string } }>,
    signal: AbortSignal,
  ): Promise<readonly T[] | Unseen> {
    const items: T[] = [];
    let more = '';
    for (let page = 0; page < PAGES_MAX; page++) {
      const on = more === '' ? '' : `&continue=${encodeURIComponent(more)}`;
      const found = await this.read(`${path}?limit=${PAGE}${on}`, schema, signal);
      if (found instanceof Unseen) return found;
      items.push(...found.items);
      more = found.metadata.continue ?? '';
      if (more === '') return items;
    }
    return new Unseen(
      `${path} has more than ${PAGE * PAGES_MAX} entries, and was not read to its end`,
      'ask about those who matter: --subject',
    );
  }

  private async read<T>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    body?: object,
  ): Promise<T | Unseen> {
    const answer = await this.ask(path, signal, body);
    if (answer instanceof Unseen) return answer;
    const what = path.split('?')[0] ?? path;
    if (answer.status === 401 || answer.status === 403) return refused(what, answer.status);
    if (answer.status >= 300) {
      return new Unseen(
        `the API server answers ${answer.status} to ${what}`,
        'see whether it has that API, and what stands before it',
      );
    }
    const read = schema.safeParse(answer.body);
    return read.success
      ? read.data
      : new Unseen(
          `the answer to ${what} is not what Kubernetes answers`,
          'see what is at that address',
        );
  }

  /** So many at once: an API server has others to answer. */
  private async ask(path: string, signal: AbortSignal, body?: object): Promise<Answer | Unseen> {
    while (this.underWay.size >= AT_ONCE) await Promise.race(this.underWay);
    const asked = this.askNow(path, signal, body);
    this.underWay.add(asked);
    return asked.finally(() => this.underWay.delete(asked));
  }

  private async request(path: string, method: HttpMethod): Promise<RequestContext> {
    this.loading ??= loadKubeconfig(this.settings);
    const config = await this.loading;
    const server = (config.getCurrentCluster()?.server ?? '').replace(/\/+$/, '');
    const context = new RequestContext(server + path, method);
    await config.applyTo(context, 'calls');
    return context;
  }

  private async askNow(path: string, signal: AbortSignal, body?: object): Promise<Answer | Unseen> {
    const method = body === undefined ? HttpMethod.GET : HttpMethod.POST;
    const context = await this.request(path, method).catch(unusable);
    if (context instanceof Unseen) return context;
    context.setHeaderParam('Accept', 'application/json');
    if (body !== undefined) context.setHeaderParam('Content-Type', 'application/json');
    try {
      const dispatcher = context.getDispatcher();
      const askedMs = Date.now();
      const response = await fetch(context.getUrl(), {
        method,
        headers: context.getHeaders(),
        redirect: 'manual',
        signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      const answeredMs = Date.now();
      const text = await response.text();
      if (text.length > ANSWER_BYTES_MAX) throw new RangeError('too long an answer');
      const { status, headers } = response;
      return { status, body: jsonOf(text), date: headers.get('date'), askedMs, answeredMs };
    } catch (error) {
      return away(error);
    }
  }
}

/** Messages of kubeconfigs may quote what is in them: codes are told, not messages. */
function unusable(error: unknown): Unseen {
  return new Unseen(
    `the kubeconfig, or the credentials that it names, cannot be used${codeOf(error)}`,
    'check its path, its context, and the files and plugins that it names',
  );
}

function refused(what: string, status: number): Unseen {
  return status === 401
    ? new Unseen(
        'the API server does not take the credentials',
        'renew the token or the certificate in the kubeconfig',
      )
    : new Unseen(
        `these credentials may not ask ${what}`,
        'run it from a laptop with an administrator’s: hallpass doctor --kubeconfig FILE --namespaces a,b',
      );
}

function away(error: unknown): Unseen {
  return new Unseen(
    `the API server cannot be reached${codeOf(error)}`,
    'check the address in the kubeconfig, its certificates, and the network on the way there',
  );
}

function codeOf(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : undefined];
  const code = causes.flatMap((it) =>
    it instanceof Error && 'code' in it && typeof it.code === 'string' ? [it.code] : [],
  )[0];
  return code === undefined ? '' : ` (${code})`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
