import type { KubeDebugPatch } from '../contract/kube-debug.schema.js';
import { mightAllow } from '../domain/policy/evaluate.js';
import type { DebugProfile } from '../domain/policy/policy.js';
import { requirementsOf } from '../domain/policy/policy.js';
import { requirementText } from '../domain/policy/words.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { whyNotUsable } from '../domain/session/session.life.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { DebugTarget } from './debug.request.js';
import { askOfPatch, containerIn } from './debug.request.js';
import type { OpenStream } from './enter-session.js';
import { EnterSession } from './enter-session.js';
import { GatherFacts } from './gather-facts.js';
import { requireKubectl } from './own-session.js';
import { Clock } from './ports/clock.js';
import type { PodJson } from './ports/cluster.pods.js';
import { ClusterPods } from './ports/cluster.pods.js';
import type { KubeName } from './ports/kube.names.js';
import { KubeNames } from './ports/kube.names.js';
import { PolicySource } from './ports/policy.source.js';
import { SessionStore } from './ports/session.store.js';
import { RequestSession } from './request-session.js';
import { debuggedPod } from './views/debugged-pod.view.js';

const SESSIONS_MAX = 100;

/** A session of the caller's, by the name that kubectl has for it. */
export interface Named {
  readonly session: Session;
  readonly name: KubeName;
}

/** `kubectl debug` as a way to ask for a session, and to enter it. */
export class DebugByKubectl {
  constructor(
    private readonly deps: {
      readonly asking: RequestSession;
      readonly enter: EnterSession;
      readonly store: SessionStore;
      readonly pods: ClusterPods;
      readonly names: KubeNames;
      readonly policies: PolicySource;
      readonly facts: GatherFacts;
      readonly clock: Clock;
    },
  ) {}

  /**
   * The Pod, as little of it as kubectl needs to ask: its containers' names and images, and the caller's own sessions by
   * the names that kubectl gave them. Only where policy might let the caller in: elsewhere nobody learns what there is.
   */
  async pod(caller: Caller, target: DebugTarget): Promise<PodJson | Problem> {
    const profiles = await this.profilesFor(caller, target);
    if (isProblem(profiles)) return profiles;
    const pod = await this.deps.pods.read(target);
    if (isProblem(pod)) return pod;
    return debuggedPod(pod, await this.named(caller, target, pod.metadata.uid));
  }

  /**
   * Asks for a session as the container that kubectl wants to add.
   *
   * @returns the Pod with that container in it where the session may be entered; `not-running` where it waits for
   * consents, with what waits for it; `forbidden` with policy's words where it was denied.
   */
  async ask(
    caller: Caller,
    target: DebugTarget,
    patch: KubeDebugPatch,
  ): Promise<PodJson | Problem> {
    const profiles = await this.profilesFor(caller, target);
    if (isProblem(profiles)) return profiles;
    const ask = askOfPatch(patch, target, profiles);
    if (isProblem(ask)) return ask;
    const asked = await this.deps.asking.ask(caller, ask);
    if (isProblem(asked)) return asked;
    const { session } = asked;
    const refusal = await this.whyNotNow(session);
    if (refusal) return refusal;
    const container = containerIn(patch);
    const words = [...(container.command ?? []), ...(container.args ?? [])];
    await this.deps.names.add({
      session: session.id,
      name: container.name,
      command: words.length === 0 ? null : words,
      stdin: container.stdin,
      tty: container.tty,
      at: this.deps.clock.now(),
    });
    return this.pod(caller, target);
  }

  /** The session behind the container that kubectl names; `not-found` where there is none of the caller's. */
  async find(caller: Caller, target: DebugTarget, container: string): Promise<Named | Problem> {
    const mine = await this.named(caller, target, undefined);
    const found = mine.findLast(({ name }) => name.name === container);
    return (
      found ??
      problem(
        'not-found',
        `Pod "${target.pod}" has no container "${container.slice(0, 63)}" that a session of yours is behind. \`kubectl debug -it ${target.pod} --image=…\` asks for one.`,
      )
    );
  }

  /** The caller's own sessions there that kubectl has a name for. */
  async sessions(caller: Caller, target: DebugTarget): Promise<ReadonlySet<SessionId>> {
    const mine = await this.named(caller, target, undefined);
    return new Set(mine.map(({ session }) => session.id));
  }

  /** Enters the session as kubectl attaches to its container. */
  async attach(
    caller: Caller,
    { session, name }: Named,
    signal: AbortSignal,
  ): Promise<OpenStream | Problem> {
    const refusal = await this.whyNotNow(session);
    if (refusal) return refusal;
    return this.deps.enter.enter(
      caller,
      {
        session: session.id,
        kind: name.tty ? 'terminal' : 'exec',
        way: 'kubectl',
        command: name.command,
        tty: name.tty,
        stdin: name.stdin,
        size: { columns: 80, rows: 24 },
      },
      signal,
    );
  }

  /** The profiles by which policy might let the caller in there; `forbidden` where there are none. */
  private async profilesFor(
    caller: Caller,
    { cluster, namespace, pod }: DebugTarget,
  ): Promise<readonly DebugProfile[] | Problem> {
    const { policies, facts } = this.deps;
    const blocked = policies.blocked();
    if (blocked) return blocked;
    const set = policies.current();
    const unseen = await facts.unseen(
      caller,
      {
        cluster,
        namespace,
        target: { kind: 'pod', name: pod },
        profile: '',
        reason: '',
        durationSeconds: 0,
        start: 'on-approval',
        breakGlass: false,
      },
      set,
    );
    const possible = set.profiles.filter(({ name }) =>
      mightAllow(set, { ...unseen, request: { ...unseen.request, profile: name } }),
    );
    if (possible.length > 0) return possible;
    return problem(
      'forbidden',
      `No policy lets you into Pods of namespace "${namespace}" of cluster "${cluster}".`,
    );
  }

  private async named(
    caller: Caller,
    { cluster, namespace, pod }: DebugTarget,
    uid: string | undefined,
  ): Promise<Named[]> {
    const person = personOf(caller);
    const sessions = await this.deps.store.list({
      visibility: { kind: 'own', person },
      filter: { cluster, namespace, requester: person },
      limit: SESSIONS_MAX,
    });
    const here = sessions.filter(
      ({ pin }) => pin?.podName === pod && (uid === undefined || pin.podUid === uid),
    );
    const names = await this.deps.names.of(here.map(({ id }) => id));
    return names.flatMap((name) => {
      const session = here.find(({ id }) => id === name.session);
      return session ? [{ session, name }] : [];
    });
  }

  private async whyNotNow(session: Session): Promise<Problem | undefined> {
    const { id, state, grant } = session;
    if (state === 'denied') {
      const decisions = await this.deps.store.decisions(id);
      const said = decisions.flatMap(({ explanation, comment }) => [
        ...explanation,
        ...(comment === null ? [] : [comment]),
      ]);
      return problem('forbidden', `Session ${id} was denied. ${said.join(' ')}`);
    }
    if (state === 'pending') {
      const asked = requirementsOf(grant).filter(({ count }) => count > 0);
      return problem(
        'not-running',
        `Session ${id} waits for ${asked.map(requirementText).join(' and ')}. Wait with \`hallpass sessions wait ${id}\`, then run the same command again, or \`hallpass connect ${id}\`.`,
      );
    }
    const reason = whyNotUsable(session);
    return reason === undefined ? requireKubectl(session) : problem('not-running', reason);
  }
}
