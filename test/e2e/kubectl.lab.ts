import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { KubectlVersion } from '../../sandbox/cluster/kubectl.runner.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Broker } from '../../src/broker.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import { BrokerLab } from '../support/broker.lab.js';
import { HallpassTerminal } from '../support/hallpass.client.js';

export const IMAGE = 'hallpass.sandbox/busybox:1';
const IDLE = ['sleep', '3600'];

/** What the profiles are for, each with terms of its own. All have the same image. */
const TERMS = {
  plain: { portForward: true },
  narrow: { fileCopies: 'none' },
  console: { ways: ['console'] },
  asked: { approvals: { require: [{ groups: PEOPLE.approver.groups }] } },
} as const;
type Profile = keyof typeof TERMS;

/** Two replicas that are reached by HTTPS, a cluster, and kubectl of any version for anybody. */
export class KubectlWorld implements AsyncDisposable {
  private readonly made: Kubectl[] = [];

  private constructor(
    readonly lab: BrokerLab,
    readonly brokers: readonly [Broker, Broker],
    readonly robin: ApiClient,
  ) {}

  static async start(): Promise<KubectlWorld> {
    const lab = await BrokerLab.start();
    const policies = await writePolicies(join(lab.sandbox.folder, 'kubectl'));
    const surroundings = { policies };
    const brokers = [
      await lab.brokerWithTls({ surroundings }),
      await lab.brokerWithTls({ surroundings }),
    ] as const;
    return new KubectlWorld(lab, brokers, await lab.as('requester', brokers[0]));
  }

  get cluster() {
    return this.lab.sandbox.cluster;
  }

  /** A Pod that runs, and does nothing or what it is told. */
  async pod(more: { readonly image?: string; readonly command?: string[] } = {}): Promise<string> {
    const name = uniqueName('shop');
    const usual = { image: 'docker.io/library/busybox:1', command: IDLE };
    this.cluster.addPod({ namespace: 'staging', ...usual, ...more, name });
    await this.cluster.untilPod('staging', name, (it) => it?.status.phase === 'Running');
    return name;
  }

  /** A session of robin's that runs, on a Pod of its own unless one is named. */
  async session(profile: Profile = 'plain', onto?: string): Promise<Running> {
    const pod = onto ?? (await this.pod());
    const asked = await this.robin.ask({
      namespace: 'staging',
      target: { pod },
      container: 'app',
      profile,
      reason: 'carts are empty',
      // All that a file tests in one of them, however slow the machine is.
      durationSeconds: 600,
    });
    const session = await this.robin.until(asked.id, ['active']);
    return { pod, id: session.id, container: session.container?.name ?? '' };
  }

  async kubeconfig(path: string): Promise<string> {
    const { status, body } = await this.robin.call('GET', path);
    expect([status, typeof body]).toEqual([200, 'string']);
    return String(body);
  }

  /** kubectl in a session, by a token of it. */
  async inSession(id: string, version?: KubectlVersion): Promise<Kubectl> {
    return this.with(
      await this.kubeconfig(`/v1/sessions/${id}/kubeconfig?credential=token`),
      version,
    );
  }

  /** kubectl as somebody's own login has it, for a session of robin's or, without one, for the cluster. */
  async as(who: PersonKey, id?: string, version?: KubectlVersion): Promise<Kubectl> {
    const of = id === undefined ? 'clusters/sandbox' : `sessions/${id}`;
    const config = parse(await this.kubeconfig(`/v1/${of}/kubeconfig`)) as {
      users: { user: object }[];
    };
    const { bearer } = await this.lab.as(who, this.brokers[0]);
    for (const one of config.users) one.user = { token: bearer };
    return this.with(stringify(config), version);
  }

  async with(kubeconfig: string, version?: KubectlVersion): Promise<Kubectl> {
    const kubectl = await Kubectl.with(kubeconfig, version);
    this.made.push(kubectl);
    return kubectl;
  }

  /** The debug containers that the cluster has in a Pod. */
  containersIn(pod: string) {
    const found = this.cluster.pods('staging').find(({ metadata }) => metadata.name === pod);
    return found?.spec.ephemeralContainers ?? [];
  }

  /** The session as it is now. */
  now(id: string): Promise<SessionDetails> {
    return this.robin.session(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.made.map((kubectl) => kubectl.close()));
    await this.lab[Symbol.asyncDispose]();
  }
}

export interface Running {
  readonly id: string;
  readonly pod: string;
  /** The name of the session's container. */
  readonly container: string;
}

/** kubectl in a terminal of its own. */
export function inTerminal(kubectl: Kubectl, args: readonly string[]): HallpassTerminal {
  const { program, args: all, env } = kubectl.invocation(args);
  const size = { cols: 100, rows: 30 };
  return new HallpassTerminal(spawn(program, all, { name: 'xterm-256color', ...size, env }));
}

async function writePolicies(folder: string): Promise<string> {
  const documents = Object.entries(TERMS).flatMap(([name, terms]) => [
    {
      apiVersion: 'hallpass/v1',
      kind: 'DebugProfile',
      metadata: { name },
      spec: { image: IMAGE, allowTag: true, debugProfile: 'baseline' },
    },
    {
      apiVersion: 'hallpass/v1',
      kind: 'AccessPolicy',
      metadata: { name },
      spec: {
        effect: 'allow',
        match: { groups: PEOPLE.requester.groups, namespaces: ['staging'], profiles: [name] },
        terms: { longest: '10m', ...terms },
      },
    },
  ]);
  await mkdir(folder);
  const text = documents.map((document) => stringify(document)).join('---\n');
  await writeFile(join(folder, 'kubectl.yaml'), text);
  return folder;
}
