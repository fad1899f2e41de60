import { copyIn, isRecordedByFiles } from '../domain/recording/copy.command.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import { containerNameOf, whyNotUsable } from '../domain/session/session.life.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import type { Entry, OpenStream } from './enter-session.js';
import { EnterSession } from './enter-session.js';
import { Clock } from './ports/clock.js';
import { onBehalfOf } from './place.js';
import type { PodJson, PodPlace } from './ports/cluster.pods.js';
import { ClusterPods } from './ports/cluster.pods.js';
import type { TerminalSize } from './ports/cluster.streams.js';
import { SessionStore } from './ports/session.store.js';
import { ownSession, requireKubectl } from './own-session.js';

/** A command that kubectl wants to run. */
export interface KubectlExec {
  /** Undefined: kubectl named none. */
  readonly container: string | undefined;
  /** Null: the profile's shell. */
  readonly command: readonly string[] | null;
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** kubectl sends the size of its terminal as the first thing after the upgrade. */
const FIRST_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** What kubectl may do with a session: for its requester alone, by the way `kubectl` of its terms. */
export class UseByKubectl {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly pods: ClusterPods;
      readonly enter: EnterSession;
      readonly clock: Clock;
    },
  ) {}

  /** The caller's own session in whatever state; `not-found` for a stranger, who may be an approver. */
  mine(caller: Caller, id: SessionId): Promise<Session | Problem> {
    return ownSession(this.deps.store, caller, id);
  }

  /** The same where it can be used: `not-running` says its state and what to do, `way-not-allowed` that terms forbid. */
  async usable(caller: Caller, id: SessionId): Promise<Session | Problem> {
    const session = await this.mine(caller, id);
    if (isProblem(session)) return session;
    const reason = this.whyOver(session);
    if (reason !== undefined) return problem('not-running', reason);
    return requireKubectl(session) ?? session;
  }

  /** Why the session cannot be used now; at its deadline also where nobody has ended it yet. */
  whyOver(session: Session): string | undefined {
    const { id, deadlineAt } = session;
    const isLate = deadlineAt !== null && deadlineAt <= this.deps.clock.now();
    return (
      whyNotUsable(session) ?? (isLate ? `Session ${id} has reached its deadline.` : undefined)
    );
  }

  /** The session's Pod as it is now. */
  async pod(session: Session): Promise<PodJson | Problem> {
    const { cluster, namespace, pin } = podPlaceOf(session);
    const pod = await this.deps.pods.read({ cluster, namespace, pod: pin.podName });
    if (isProblem(pod) || pod.metadata.uid === pin.podUid) return pod;
    return problem(
      'target-changed',
      `The Pod of session ${session.id} is gone: the one that is there now was made anew under its name. Ask for a new session.`,
    );
  }

  /** Runs a command in the session's container, on the record; a copy where it is one. */
  async exec(
    caller: Caller,
    session: Session,
    { ask, signal }: { readonly ask: KubectlExec; readonly signal: AbortSignal },
  ): Promise<OpenStream | Problem> {
    const refusal = this.refusedExec(session, ask);
    if (refusal) return refusal;
    const copy = copyIn(ask);
    return this.deps.enter.enter(
      caller,
      {
        session: session.id,
        kind: kindOf(ask),
        way: 'kubectl',
        command: ask.command,
        tty: ask.tty,
        stdin: ask.stdin,
        size: FIRST_SIZE,
        ...(copy ? { copy } : {}),
      },
      signal,
    );
  }

  /** Why a command is not run, by the session's terms and without asking the cluster; undefined where it may be. */
  refusedExec(session: Session, ask: KubectlExec): Problem | undefined {
    const { container } = ask;
    const ours = containerNameOf(session);
    const copy = copyIn(ask);
    const { terms } = invariant(session.grant, 'a usable session without a grant');
    if (container === undefined || container === ours) {
      if (!copy || terms.fileCopies === 'both' || terms.fileCopies === copy) return undefined;
      return problem(
        'way-not-allowed',
        `The terms of session ${session.id} do not allow copying files ${copy === 'upload' ? 'into' : 'out of'} the container.`,
      );
    }
    return problem(
      'way-not-allowed',
      `Session ${session.id} lets you into its own container "${ours}", not into "${container}": leave -c out, or say -c ${ours}.` +
        (session.request.container === undefined
          ? ''
          : ` The processes of "${session.request.container}" are seen from there.`),
    );
  }
}

/** A copy that is not as kubectl makes them is a command like any other, whose output is recorded. */
function kindOf(ask: KubectlExec): Entry['kind'] {
  const { tty, stdin, command } = ask;
  if (tty) return 'terminal';
  return command !== null && isRecordedByFiles({ command, stdin }) ? 'copy' : 'exec';
}

/** The Pod that a session was granted. */
export function podPlaceOf(session: Session): PodPlace {
  return {
    cluster: session.request.cluster,
    namespace: session.request.namespace,
    pin: invariant(session.pin, 'a granted session without a Pod'),
    onBehalf: onBehalfOf(session),
  };
}
