import type { TargetList } from '../contract/target.schema.js';
import { mightAllow } from '../domain/policy/evaluate.js';
import type { FoundNamespace, FoundTarget } from '../domain/policy/facts.js';
import type { DebugProfile } from '../domain/policy/policy.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import { GatherFacts } from './gather-facts.js';
import { ClusterTargets } from './ports/cluster.targets.js';
import { PolicySource } from './ports/policy.source.js';

export type ListedTarget = TargetList['items'][number];

export interface Targets {
  readonly items: readonly ListedTarget[];
  readonly profiles: readonly DebugProfile[];
}

/** `list`: what there is in a namespace that somebody could ask for. */
export class ListTargets {
  constructor(
    private readonly deps: {
      readonly clusters: ClusterTargets;
      readonly policies: PolicySource;
      readonly facts: GatherFacts;
    },
  ) {}

  /**
   * Workloads first, then Pods, each by name. Policy is heard first without the cluster, then with the namespace: whoever
   * no rule might let in is told `not-found`, whatever is there.
   */
  async list(
    caller: Caller,
    at: { readonly cluster: string; readonly namespace: string },
  ): Promise<Targets | Problem> {
    const blocked = this.deps.policies.blocked();
    if (blocked) return blocked;
    const before = await this.profilesFor(caller, at, null);
    if (before.length === 0) return nothingFor(at);
    const found = await this.deps.clusters.targets(at);
    if (isProblem(found)) return found.problem === 'target-not-found' ? nothingFor(at) : found;
    const profiles = await this.profilesFor(caller, at, found.namespace);
    if (profiles.length === 0) return nothingFor(at);
    return {
      items: [...workloadsOf(found.pods), ...found.pods.map(podItem)].sort(byKind),
      profiles,
    };
  }

  /** With which profiles some rule might let them in there, whatever they say of why and how long. */
  private async profilesFor(
    caller: Caller,
    { cluster, namespace }: { readonly cluster: string; readonly namespace: string },
    found: FoundNamespace | null,
  ): Promise<DebugProfile[]> {
    const set = this.deps.policies.current();
    const possible: DebugProfile[] = [];
    for (const profile of set.profiles) {
      const request = {
        cluster,
        namespace,
        target: { kind: 'pod', name: 'any' } as const,
        profile: profile.name,
        reason: '',
        durationSeconds: 1,
        start: 'on-approval' as const,
        breakGlass: false,
      };
      const facts = await this.deps.facts.unseen(caller, request, set);
      const known = { ...facts, target: { ...facts.target, found } };
      if (mightAllow(set, known)) possible.push(profile);
    }
    return possible;
  }
}

function nothingFor({ cluster, namespace }: { cluster: string; namespace: string }): Problem {
  return problem(
    'not-found',
    `No rule lets you into namespace "${namespace}" of cluster "${cluster}", or there is none that Hallpass may touch.`,
  );
}

/** The workloads that Pods belong to. */
function workloadsOf(pods: readonly FoundTarget[]): ListedTarget[] {
  const found = new Map<string, ListedTarget>();
  for (const pod of pods) {
    const { kind, name } = pod.owner;
    if (kind === 'Pod' || kind === 'Other') continue;
    const before = found.get(`${kind}/${name}`) ?? {
      ...podItem(pod),
      kind,
      name,
      ready: 0,
      pods: 0,
    };
    const ready = before.ready + Number(pod.ready);
    found.set(`${kind}/${name}`, { ...before, ready, pods: before.pods + 1 });
  }
  return [...found.values()];
}

function podItem({ pod, ready, containers }: FoundTarget): ListedTarget {
  return {
    kind: 'Pod',
    name: pod,
    ready: Number(ready),
    pods: 1,
    containers: containers.map(({ name }) => name),
  };
}

function byKind(a: ListedTarget, b: ListedTarget): number {
  return (
    Number(a.kind === 'Pod') - Number(b.kind === 'Pod') ||
    compare(a.kind, b.kind) ||
    compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
