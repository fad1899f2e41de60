import { request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { vi } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import type { AdmissionFacts } from '../../sandbox/cluster/admission.cel.js';
import { AdmissionPolicies } from '../../sandbox/cluster/admission.policies.js';
import { uniqueName } from '../e2e/cluster.world.js';
import { ClusterAdmin } from '../e2e/cluster.admin.js';
import { container } from '../e2e/pod.shapes.js';
import { lockdownTexts } from '../lockdown/lockdown.files.js';
import type { LockdownSetting } from '../lockdown/lockdown.table.js';
import {
  adding,
  entering,
  FIREFIGHTER,
  HALLPASS,
  MALLORY,
  sessionContainer,
} from '../lockdown/lockdown.requests.js';

const POD = 'web';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** With the rights of an admin, so that nothing but admission refuses. */
const ADMINS = 'system:masters';

/** What somebody was told who asked. */
export interface Told {
  readonly status: number;
  readonly message: string;
  readonly warnings: readonly string[];
}

export interface Asking {
  readonly method: string;
  readonly path: string;
  readonly by?: AdmissionFacts['request']['userInfo'];
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const Manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().exactOptional() }),
  spec: z.looseObject({}).exactOptional(),
});
type Manifest = z.infer<typeof Manifest>;
const Status = z.looseObject({ message: z.string().default('') });

const PLURALS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
};

/** The lock-down kit in force in namespaces of a real cluster, in each as a setting has it, and an evaluation of our own beside it. */
export class AdmissionLab implements AsyncDisposable {
  private constructor(
    private readonly parts: {
      readonly run: string;
      readonly admin: ClusterAdmin;
      readonly server: URL;
      readonly options: RequestOptions;
      readonly made: AsyncDisposableStack;
    },
    /** Of each policy for itself: an API server asks them in no order. */
    private readonly ownEvaluation = new Map<string, readonly AdmissionPolicies[]>(),
  ) {}

  static async start(kubeconfig: string): Promise<AdmissionLab> {
    await using made = new AsyncDisposableStack();
    const run = uniqueName('lockdown-bound');
    const admin = made.use(await ClusterAdmin.open({ kubeconfig, run, patienceMs: 120_000 }));
    made.defer(() => admin.removeNamespaces());
    const options: RequestOptions = {};
    await admin.kubeconfig.applyToHTTPSOptions(options);
    const server = new URL(admin.kubeconfig.getCurrentCluster()?.server ?? '');
    const lab = new AdmissionLab({ run, admin, server, options, made: made.move() });
    return lab;
  }

  get run(): string {
    return this.parts.run;
  }

  namespaceOf(setting: string): string {
    return `${this.run}-${setting.toLowerCase()}`;
  }

  podPath(setting: string, pod = POD): string {
    return `/api/v1/namespaces/${this.namespaceOf(setting)}/pods/${pod}`;
  }

  /** Puts the kit in force in a namespace of its own, where there is a Pod for each list of containers that Pods had before. */
  async enforce(
    setting: string,
    values: LockdownSetting,
    pods: readonly object[][],
  ): Promise<void> {
    const { admin, run } = this.parts;
    const namespace = this.namespaceOf(setting);
    await admin.makeNamespace(namespace);
    await Promise.all([[], ...pods].map((before) => this.makePod(setting, before)));
    const manifests = manifestsOf(values, namespace);
    const isPolicy = ({ kind }: Manifest) => kind === 'ValidatingAdmissionPolicy';
    const others = manifests.filter((it) => !isPolicy(it));
    const own = manifests.filter(isPolicy).map((policy) => {
      const alone = new AdmissionPolicies();
      alone.use(...[policy, ...others].map((it) => stringify(it)));
      return alone;
    });
    this.ownEvaluation.set(setting, own);
    for (const manifest of manifests) {
      const path = `${ADMISSION}/${PLURALS[manifest.kind] ?? ''}`;
      this.parts.made.defer(async () => {
        await this.ask({ method: 'DELETE', path: `${path}/${manifest.metadata.name}` });
      });
      await this.make(path, within(manifest, namespace, run));
    }
    await this.untilInForce(setting);
  }

  /** What our own evaluation says of it: one answer, or one for each policy that refuses it. */
  expected(setting: string, facts: AdmissionFacts): Told[] {
    const request = {
      ...facts.request,
      name: podName(containersBefore(facts)),
      namespace: this.namespaceOf(setting),
    };
    const own = this.ownEvaluation.get(setting);
    if (own === undefined) throw new Error(`${setting} is not in force`);
    const admitted = own.map((it) => it.review({ ...facts, request }));
    const warnings = admitted.flatMap((it) => it.warnings).toSorted();
    const refusals = admitted.flatMap(({ refusal }) => refusal ?? []);
    if (refusals.length === 0) return [{ status: 200, message: '', warnings }];
    return refusals.map(({ status, body }) => ({
      status,
      message: Status.parse(body).message,
      warnings,
    }));
  }

  /** What the API server says of it; what it would let through is a dry run, or stops at a Pod that no node has. */
  async play(setting: string, facts: AdmissionFacts): Promise<Told> {
    const { request } = facts;
    const pod = this.podPath(setting, podName(containersBefore(facts)));
    const by = request.userInfo;
    if (request.operation === 'UPDATE') {
      const names = containersBefore(facts).map(({ name }) => name);
      const added = containersOf(facts.object).filter(({ name }) => !names.includes(name));
      return this.ask({
        ...{ by, method: 'PATCH', path: `${pod}/ephemeralcontainers?dryRun=All` },
        contentType: 'application/strategic-merge-patch+json',
        body: { spec: { ephemeralContainers: added } },
      });
    }
    const { container: name } = Entered.parse(facts.object);
    const query = new URLSearchParams({ stdin: 'true', stdout: 'true' });
    if (request.subResource === 'exec') query.append('command', 'sh');
    if (name !== undefined) query.append('container', name);
    const path = `${pod}/${request.subResource}?${String(query)}`;
    const [told, ...others] = await Promise.all(
      Object.values(ENTRANCES).map(({ method, headers }) =>
        this.ask({ by, method, path, headers }),
      ),
    );
    if (told === undefined) throw new Error('there is no way in');
    for (const other of others) {
      if (JSON.stringify(other) !== JSON.stringify(told)) {
        throw new Error(`${JSON.stringify(told)} by one way, ${JSON.stringify(other)} by another`);
      }
    }
    // Admitted: it is found out only then that the Pod is on no node, or has no such container.
    return told.status === 400 ? { ...told, status: 200, message: '' } : told;
  }

  /** The names of the ephemeral containers that a Pod really has. */
  async containersOf(setting: string, pod = POD): Promise<string[]> {
    const { core } = this.parts.admin;
    const it = await core.readNamespacedPod({ name: pod, namespace: this.namespaceOf(setting) });
    return (it.spec?.ephemeralContainers ?? []).map(({ name }) => name);
  }

  /** A Pod as it is, but with these ephemeral containers. */
  async podWith(setting: string, ephemeralContainers: readonly object[]): Promise<Manifest> {
    const { core } = this.parts.admin;
    const namespace = this.namespaceOf(setting);
    const pod = await core.readNamespacedPod({ name: POD, namespace });
    const { spec } = pod;
    return Manifest.parse(
      JSON.parse(JSON.stringify({ ...pod, spec: { ...spec, ephemeralContainers } })),
    );
  }

  async ask({ method, path, by, body, contentType, headers = {} }: Asking): Promise<Told> {
    const { server, options } = this.parts;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(new URL(path, server), {
        ...options,
        method,
        headers: {
          ...(by === undefined ? {} : impersonation(by)),
          ...(text === undefined
            ? {}
            : {
                'content-type': contentType ?? 'application/json',
                'content-length': Buffer.byteLength(text),
              }),
          ...headers,
        },
      });
      outgoing.once('error', reject);
      outgoing.once('upgrade', (_answer, socket) => {
        socket.destroy();
        resolve({ status: 101, message: '', warnings: [] });
      });
      outgoing.once('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const said = Buffer.concat(chunks).toString();
          const status = answer.statusCode ?? 0;
          const message = status < 400 ? '' : messageOf(said);
          resolve({ status, message, warnings: warningsOf(answer.rawHeaders).toSorted() });
        });
      });
      outgoing.end(text);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.made.disposeAsync();
  }

  private async make(path: string, body: unknown): Promise<void> {
    const { status, message } = await this.ask({ method: 'POST', path, body });
    if (status !== 201) throw new Error(`${path}: ${String(status)} ${message}`);
  }

  /** A Pod that no node takes, with ephemeral containers that were added before the kit was in force. */
  private async makePod(setting: string, ephemeralContainers: readonly object[]): Promise<void> {
    const path = this.podPath(setting, podName(ephemeralContainers));
    await this.make(path.replace(/\/[^/]+$/, ''), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: podName(ephemeralContainers) },
      spec: {
        schedulingGates: [{ name: 'hallpass.dev/never' }],
        automountServiceAccountToken: false,
        containers: [container('app', { image: 'docker.io/library/app:1' })],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    });
    if (ephemeralContainers.length === 0) return;
    const { status, message } = await this.ask({
      ...{ method: 'PATCH', path: `${path}/ephemeralcontainers` },
      contentType: 'application/strategic-merge-patch+json',
      body: { spec: { ephemeralContainers } },
    });
    if (status !== 200) throw new Error(message);
  }

  /** API servers learn of policies, bindings and parameters a moment later, of each for itself. */
  private async untilInForce(setting: string): Promise<void> {
    const probes = [
      adding(MALLORY, [{ name: 'debugger-x', image: 'busybox' }]),
      adding(HALLPASS, [{ ...sessionContainer(), image: 'busybox' }]),
      adding(FIREFIGHTER, [{ name: 'debugger-x', image: 'busybox' }]),
      entering(MALLORY, 'hallpass-x'),
    ];
    for (const facts of probes) {
      const expected = this.expected(setting, facts).map((it) => JSON.stringify(it));
      let last = '';
      await vi
        .waitUntil(
          async () => expected.includes((last = JSON.stringify(await this.play(setting, facts)))),
          { timeout: 60_000, interval: 200 },
        )
        .catch(() => {
          throw new Error(`${setting} is not in force: ${last} for ${expected.join(' or ')}`);
        });
    }
  }
}

/** How an API server is asked for a stream. */
const ENTRANCES = {
  'a GET for a WebSocket': {
    method: 'GET',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-protocol': 'v5.channel.k8s.io',
    },
  },
  'a POST for SPDY': {
    method: 'POST',
    headers: {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'v4.channel.k8s.io',
    },
  },
  'a GET for SPDY': {
    method: 'GET',
    headers: {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'v4.channel.k8s.io',
    },
  },
  'a plain POST': { method: 'POST', headers: {} },
} as const;

const Entered = z.looseObject({ container: z.string().exactOptional() });
const WithContainers = z.looseObject({
  spec: z.looseObject({
    ephemeralContainers: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
});

function containersOf(pod: unknown) {
  return WithContainers.parse(pod).spec.ephemeralContainers;
}

/** The ephemeral containers that a Pod had before the request. */
export function containersBefore({ oldObject }: AdmissionFacts) {
  return oldObject === null ? [] : containersOf(oldObject);
}

function podName(containers: readonly object[]): string {
  return containers.length === 0 ? POD : `${POD}-with-${String(containers.length)}`;
}

/** The kit as a setting has it, under names of its own. */
function manifestsOf({ mode, ...values }: LockdownSetting, prefix: string): Manifest[] {
  return lockdownTexts(mode, values)
    .map((text) => text.replaceAll(/((?:^ {2}name|policyName): )hallpass-/gm, `$1${prefix}-`))
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => Manifest.parse(document.toJS()));
}

/** Bindings are kept to the namespace, and all of it is said to be a test's. */
function within(manifest: Manifest, namespace: string, run: string): Manifest {
  const labels = {
    'app.kubernetes.io/managed-by': 'hallpass-test',
    'app.kubernetes.io/instance': run,
  };
  const { metadata, spec } = manifest;
  const there = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  return {
    ...manifest,
    metadata: { ...metadata, labels },
    ...(manifest.kind === 'ValidatingAdmissionPolicyBinding'
      ? { spec: { ...spec, matchResources: { namespaceSelector: there } } }
      : {}),
  };
}

function impersonation({ username, groups, extra = {} }: AdmissionFacts['request']['userInfo']) {
  return {
    'impersonate-user': username,
    'impersonate-group': [...groups, ADMINS],
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [
        `impersonate-extra-${encodeURIComponent(key)}`,
        [...values],
      ]),
    ),
  };
}

function messageOf(text: string): string {
  try {
    return Status.parse(JSON.parse(text)).message;
  } catch {
    return text;
  }
}

/** `299 - "the text"`: one header each. */
function warningsOf(raw: readonly string[]): string[] {
  return raw.flatMap((name, index) => {
    if (index % 2 === 1 || name.toLowerCase() !== 'warning') return [];
    const text = /^299 \S+ "(.*)"$/s.exec(raw[index + 1] ?? '')?.[1] ?? '';
    return [text.replaceAll(/\\(.)/gs, '$1')];
  });
}
