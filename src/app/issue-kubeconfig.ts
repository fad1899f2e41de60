import { createHash, randomBytes } from 'node:crypto';
import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { isFinal } from '../domain/session/session.machine.js';
import { whyNotUsable } from '../domain/session/session.life.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { AuditLog } from './ports/audit.log.js';
import { Clock } from './ports/clock.js';
import { Clusters } from './ports/cluster.js';
import { KubeTokens } from './ports/kube.tokens.js';
import { SessionStore } from './ports/session.store.js';
import { ownSession, requireKubectl } from './own-session.js';

/** How tokens of ours begin, so that they are told from others, by us and by scanners for leaked secrets. */
export const KUBE_TOKEN_PREFIX = 'hpk_';

/** What a kubeconfig is made of. */
export interface KubeconfigFacts {
  /** Of the file, the cluster, the user and the context in it. */
  readonly name: string;
  /** The path under the broker's address. */
  readonly path: string;
  readonly namespace: string | null;
  /** Null: the person's own login, by the CLI's credential plugin. */
  readonly token: string | null;
}

/** The SHA-256 by which a token is kept and found. */
export function kubeTokenHash(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

/** `issue`: what a person's kubectl needs to reach a session, or a cluster by way of sessions. */
export class IssueKubeconfig {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clusters: Clusters;
      readonly tokens: KubeTokens;
      readonly audit: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /**
   * For the requester of a session that is not over. A token is given only while the session can be used; it is an
   * audit event, and ends with the session.
   */
  async forSession(
    caller: Caller,
    id: SessionId,
    credential: 'plugin' | 'token',
  ): Promise<KubeconfigFacts | Problem> {
    const session = await ownSession(this.deps.store, caller, id);
    if (isProblem(session)) return session;
    const reason = whyNotUsable(session);
    if (reason !== undefined && (credential === 'token' || isOver(session))) {
      return problem('not-running', reason);
    }
    const refusal = requireKubectl(session);
    if (refusal) return refusal;
    return {
      name: `hallpass-${id}`,
      path: `/kube/${id}`,
      namespace: session.request.namespace,
      token: credential === 'token' ? await this.token(caller, session) : null,
    };
  }

  /** For good: `kubectl debug` by way of it asks for sessions. */
  forCluster(name: string): KubeconfigFacts | Problem {
    if (!this.deps.clusters.list().some((one) => one.name === name)) {
      return problem('not-found', `There is no cluster of that name. GET /v1/clusters lists them.`);
    }
    return {
      name: `hallpass-${name}`,
      path: `/kube/clusters/${name}`,
      namespace: null,
      token: null,
    };
  }

  private async token(caller: Caller, session: Session): Promise<string> {
    const { audit, clock, tokens } = this.deps;
    const token = `${KUBE_TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const hash = kubeTokenHash(token);
    const at = clock.now();
    await audit.append(
      auditEntry({
        at,
        action: 'session.kube-token',
        outcome: 'success',
        actor: caller.actor,
        session,
        data: { token: Buffer.from(hash).toString('hex').slice(0, 16) },
      }),
    );
    const { signIn } = caller.actor;
    await tokens.add({ hash, session: session.id, person: personOf(caller), signIn, at });
    return token;
  }
}

function isOver({ state }: Session): boolean {
  return isFinal(state) || state === 'ending';
}
