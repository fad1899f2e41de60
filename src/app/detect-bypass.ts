import { ApiAuditEvent } from '../contract/api-audit.schema.js';
import { seenFacts, verdictEntry } from '../domain/bypass/bypass.event.js';
import type { Verdict } from '../domain/bypass/bypass.rule.js';
import { callKey, isEphemeralName, judge, sessionNamed } from '../domain/bypass/bypass.rule.js';
import type { ApiCall, ContainerCall } from '../domain/bypass/container.call.js';
import { containerCall } from '../domain/bypass/container.call.js';
import type { Impersonation } from '../domain/impersonation.js';
import type { Session } from '../domain/session/session.js';
import { HeardClusters } from './heard-clusters.js';
import type { BypassStore, ContainerPlace } from './ports/bypass.store.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { SessionStore } from './ports/session.store.js';

/** A cluster whose API server's audit log is looked at. */
export interface AuditedCluster {
  readonly name: string;
  /** The broker's account as the API server names it. */
  readonly account: string;
  /** How it acts in people's names; absent or null: as itself alone. */
  readonly impersonates?: Impersonation | null;
}

export interface Taken {
  readonly read: number;
  readonly unreadable: number;
}

/** So many containers or sessions one call has to do with, if it is what people do. */
const NAMED_MAX = 50;

/** What is known of a call once it was looked at. */
interface Looked {
  readonly key: string;
  readonly verdict: Verdict;
  readonly seen: Readonly<Record<string, unknown>>;
  readonly place: ContainerPlace;
  /** Not of a call that was kept. */
  readonly did?: ContainerCall;
}

/** Looks through what API servers say of calls for what went past the broker. Safe to be told things twice. */
export class DetectBypass {
  readonly heard = new HeardClusters();

  constructor(
    private readonly deps: {
      readonly store: Pick<SessionStore, 'find'>;
      readonly bypasses: BypassStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ) {}

  /**
   * Takes entries of a cluster's audit log, in their order. Once it returns, what they tell is written; where it throws,
   * they are to be sent again.
   */
  async take(cluster: AuditedCluster, entries: readonly unknown[]): Promise<Taken> {
    let unreadable = 0;
    for (const entry of entries) {
      const parsed = ApiAuditEvent.safeParse(entry);
      if (parsed.success) await this.look(cluster, callOf(parsed.data));
      else unreadable += 1;
    }
    if (unreadable > 0) {
      const facts = { cluster: cluster.name, unreadable };
      this.deps.journal.error(facts, 'entries of an audit log of Kubernetes could not be read');
    }
    const taken = { read: entries.length - unreadable, unreadable };
    this.heard.heard(cluster.name, { ...taken, at: this.deps.clock.now() });
    return taken;
  }

  private async look(audited: AuditedCluster, call: ApiCall): Promise<void> {
    const { name: cluster, account, impersonates = null } = audited;
    const did = containerCall(call);
    if (!did) return;
    const place = placeOf(cluster, call);
    const key = callKey(cluster, call);
    const sessions = await this.sessionsOf(did);
    const verdict = judge(call, did, { cluster, account, impersonates, sessions });
    const seen = seenFacts(cluster, call, did);
    if (!(await this.concerns({ key, verdict, seen, place, did }))) return;
    await this.write({ key, verdict, seen, place, did });
    if (did.kind !== 'added' || did.containers.length === 0) return;
    // Told again, it may be that these were not told of yet.
    for (const { key, why, seen } of await this.deps.bypasses.early(place, did.containers)) {
      await this.write({ key, verdict: { kind: 'bypass', why, session: null }, seen, place });
    }
  }

  private async write({ key, verdict, seen, place, did }: Looked): Promise<void> {
    const { clock, replica, bypasses } = this.deps;
    const isNew = await bypasses.write({
      key,
      entry: verdictEntry(verdict, seen, { at: clock.now(), replica }),
      place,
      added: did?.kind === 'added' ? did.containers : [],
      news: verdict.kind === 'bypass' ? { bypass: { why: verdict.why, ...seen } } : null,
    });
    if (isNew && verdict.kind === 'bypass') this.heard.bypass(place.cluster);
  }

  /**
   * Containers of the Pod's own may be entered as the cluster allows: that is not what sessions are for. Of which kind one
   * is may be told later than that it was entered, by another API server or another replica's batch: the call is kept
   * before it is looked for, and an addition is written before kept calls are, so that one of both sees the other.
   */
  private async concerns({ key, verdict, seen, place, did }: Required<Looked>): Promise<boolean> {
    const { kind, containers } = did;
    // Nobody who means one container names so many.
    if (kind === 'added' || containers.some(isEphemeralName) || containers.length > NAMED_MAX)
      return true;
    // Where it names none, the API server takes the Pod's only regular container.
    if (containers.length === 0 || verdict.kind !== 'bypass') return false;
    const { bypasses } = this.deps;
    if (await bypasses.isAdded(place, containers)) return true;
    await bypasses.keepEarly({ key, why: verdict.why, seen, place, containers });
    return await bypasses.isAdded(place, containers);
  }

  private async sessionsOf({ containers }: ContainerCall): Promise<Session[]> {
    const ids = new Set(containers.flatMap((it) => sessionNamed(it) ?? []));
    const few = [...ids].slice(0, NAMED_MAX);
    const found = await Promise.all(few.map((id) => this.deps.store.find(id)));
    return found.filter((it) => it !== undefined);
  }
}

function placeOf(cluster: string, { namespace, pod }: ApiCall): ContainerPlace {
  return { cluster, namespace, pod };
}

/** What an entry says of its call. */
export function callOf(event: ReturnType<typeof ApiAuditEvent.parse>): ApiCall {
  const { user, impersonatedUser, objectRef } = event;
  return {
    auditId: event.auditID,
    stage: event.stage,
    verb: event.verb,
    uri: event.requestURI,
    user: { name: user.username, groups: user.groups ?? [] },
    impersonated: impersonatedUser
      ? { name: impersonatedUser.username, groups: impersonatedUser.groups ?? [] }
      : null,
    resource: objectRef?.resource ?? '',
    subresource: objectRef?.subresource ?? '',
    namespace: objectRef?.namespace ?? '',
    pod: objectRef?.name ?? '',
    code: event.responseStatus?.code ?? null,
    body: event.requestObject,
    receivedAt: new Date(event.requestReceivedTimestamp),
    addresses: event.sourceIPs ?? [],
    agent: event.userAgent ?? '',
  };
}
