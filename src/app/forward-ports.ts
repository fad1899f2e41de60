import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { AuditLog } from './ports/audit.log.js';
import type { ByteTunnel } from './ports/cluster.pods.js';
import { ClusterPods } from './ports/cluster.pods.js';
import { Clock } from './ports/clock.js';
import { OpenSideStream } from './open-side-stream.js';
import type { SideStream } from './side-stream.js';
import { podPlaceOf } from './use-by-kubectl.js';

/** Ports of a Pod, forwarded. */
export interface Forwarding {
  readonly tunnel: ByteTunnel;
  /** Aborted, with a sentence, when it must end. */
  readonly signal: AbortSignal;
  /** Writes to the audit log that the client reaches for a port; to be awaited before its bytes go on. */
  reached(port: number): Promise<void>;
  /** Counts what goes to the ports and comes from them, in bytes; what goes to them keeps the session from being idle. */
  readonly passed: (direction: 'in' | 'out', bytes: number) => void;
  close(why: string): Promise<void>;
}

/** `open`: a way to the ports of the session's Pod, where its terms allow it. */
export class ForwardPorts {
  constructor(
    private readonly deps: {
      readonly pods: ClusterPods;
      readonly side: OpenSideStream;
      readonly audit: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /** @param headers what to upgrade to, as the client asked. */
  async open(
    caller: Caller,
    session: Session,
    { headers, signal }: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Forwarding | Problem> {
    const { terms } = invariant(session.grant, 'a usable session without a grant');
    if (!terms.portForward) {
      return problem(
        'way-not-allowed',
        `The terms of session ${session.id} do not allow forwarding ports.`,
      );
    }
    const side = await this.deps.side.open(caller, session, {
      kind: 'forward',
      command: ['port-forward'],
    });
    if (isProblem(side)) return side;
    const all = AbortSignal.any([side.signal, signal]);
    const tunnel = await this.deps.pods.forward(podPlaceOf(session), headers, all);
    if (!isProblem(tunnel)) return this.forwarding({ caller, session, side, tunnel });
    side.close('the cluster did not forward');
    await side.finished;
    return tunnel;
  }

  private forwarding(args: {
    readonly caller: Caller;
    readonly session: Session;
    readonly side: SideStream;
    readonly tunnel: ByteTunnel;
  }): Forwarding {
    const { caller, session, side, tunnel } = args;
    const known = new Set<number>();
    return {
      tunnel,
      signal: side.signal,
      reached: async (port) => {
        if (known.has(port)) return;
        known.add(port);
        side.mark(`port ${port}`);
        await this.deps.audit.append(
          auditEntry({
            at: this.deps.clock.now(),
            action: 'session.port-forward',
            outcome: 'success',
            actor: caller.actor,
            session,
            data: { port, recording: side.recording },
          }),
        );
      },
      passed: (direction, bytes) => side.passed(direction, bytes),
      close: async (why) => {
        side.close(why);
        await side.finished;
      },
    };
  }
}
