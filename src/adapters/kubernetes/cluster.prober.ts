import { IsomorphicFetchHttpLibrary } from '@kubernetes/client-node';
import type { z } from 'zod';
import { pause } from '../../app/pause.js';
import type { TroubleKind } from '../../domain/cluster.health.js';
import type { ServerVersion } from '../../domain/cluster.support.js';
import type { ApiFailure } from './api.failure.js';
import { ApiFailureError, isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import { ResourceList, Version } from './examined.documents.js';
import { refusal } from './resilient.http.js';
import { wasNotSent } from './retry.policy.js';
import { troubleOf } from './trouble.reader.js';

export interface ProbeTimes {
  /** A cluster is asked so often at least, unless it is heard of anyway. */
  readonly everyMs: number;
  /** How long one question may take. */
  readonly answerMs: number;
  /** One that is away is asked again after so long, and each time after twice as long, to the longest. */
  readonly againFirstMs: number;
  readonly againLongestMs: number;
  /** How often it is asked what it is. */
  readonly lookEveryMs: number;
  /** And again where it did not say. */
  readonly lookAgainMs: number;
}

/** Of very many clusters each is asked less often, and the first time not with all others at once. */
const EVERY_MS_PER_CLUSTER = 50;
const FIRST_MS_PER_CLUSTER = 10;

export const PROBE_TIMES: ProbeTimes = {
  everyMs: 5_000,
  answerMs: 2_500,
  againFirstMs: 500,
  againLongestMs: 10_000,
  lookEveryMs: 300_000,
  lookAgainMs: 30_000,
};

/** A single lost answer is no outage. */
const TRIES = 2;
const FORBIDDEN = 403;
const TOO_MANY = 429;

/**
 * Looks after one cluster while a replica runs, and waits for no other: whether it answers, which version it is, whether
 * debug containers can be added there, and whether its credentials are still those of its files. Asks only `/version` and
 * `/api/v1`, which every account may.
 */
export class ClusterProber {
  private readonly stopping = new AbortController();
  private readonly times: ProbeTimes;
  private work: Promise<void> = Promise.resolve();
  private lookAtMs = Number.NEGATIVE_INFINITY;

  /** @param clusters how many are looked after beside each other. */
  constructor(
    private readonly connection: ClusterConnection,
    private readonly clusters: number,
    times: Partial<ProbeTimes> = {},
  ) {
    const everyMs = Math.max(PROBE_TIMES.everyMs, clusters * EVERY_MS_PER_CLUSTER);
    this.times = { ...PROBE_TIMES, everyMs, ...times };
  }

  start(): void {
    this.work = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.work;
  }

  private async run(): Promise<void> {
    const { times, stopping } = this;
    const { health } = this.connection;
    let waitMs = times.againFirstMs;
    await pause(Math.random() * FIRST_MS_PER_CLUSTER * this.clusters, stopping.signal);
    while (!stopping.signal.aborted) {
      await this.tend();
      const isAway = health.state().state === 'unreachable';
      waitMs = isAway ? Math.min(waitMs * 2, times.againLongestMs) : times.againFirstMs;
      // Of many replicas, no two go on asking at the same moment.
      const pauseMs = (isAway ? waitMs / 2 : times.everyMs / 2) * (0.75 + Math.random() / 2);
      await pause(pauseMs, AbortSignal.any([stopping.signal, health.doubt]));
      // However many calls fail, so often is enough.
      await pause(health.doubt.aborted ? times.againFirstMs / 2 : 0, stopping.signal);
    }
  }

  /** What goes wrong in a way that nobody thought of is told, and looked at again: it must not end the process. */
  private async tend(): Promise<void> {
    try {
      await this.connection.refresh();
      if (this.isDue()) await this.probe();
    } catch (err) {
      this.connection.log.warn(
        { cluster: this.connection.settings.name, err },
        'a cluster could not be looked after',
      );
    }
  }

  private isDue(): boolean {
    const { health } = this.connection;
    const { state, answeredAt } = health.state();
    if (state !== 'reachable' || health.doubt.aborted || this.mustLook()) return true;
    return Date.now() - (answeredAt?.getTime() ?? 0) >= this.times.everyMs / 2;
  }

  private async probe(): Promise<void> {
    const { health } = this.connection;
    const beganMs = performance.now();
    const version = await this.version();
    if (this.stopping.signal.aborted) return;
    health.probed(typeof version === 'string' ? version : 'answered', beganMs);
    if (typeof version === 'string') return;
    const before = health.state().version;
    if (this.mustLook() || (version && version.gitVersion !== before)) await this.look(version);
  }

  /** What `/version` says; undefined where this account may not read it, which is an answer too. */
  private async version(): Promise<ServerVersion | undefined | TroubleKind> {
    for (let tries = 1; ; tries++) {
      const found = await this.ask('/version', Version);
      if (!isApiFailure(found)) return found;
      if (found.failure === 'refused' && [FORBIDDEN, TOO_MANY].includes(found.httpStatus)) {
        return undefined;
      }
      if (tries === TRIES || this.stopping.signal.aborted) {
        return troubleOf(found) ?? 'no-kubernetes';
      }
      await pause(this.times.againFirstMs / 2, this.stopping.signal);
    }
  }

  private async look(version: ServerVersion | undefined): Promise<void> {
    const found = await this.ask('/api/v1', ResourceList);
    // What could not be asked is no reason to let nobody in.
    const subresources = isApiFailure(found)
      ? undefined
      : new Map(
          found.resources
            .filter(({ name }) => name.startsWith('pods/'))
            .map(({ name, verbs }) => [name.slice('pods/'.length), verbs] as const),
        );
    if (this.stopping.signal.aborted) return;
    this.connection.health.found(version, subresources);
    const { lookEveryMs, lookAgainMs } = this.times;
    this.lookAtMs = performance.now() + (subresources ? lookEveryMs : lookAgainMs);
  }

  private mustLook(): boolean {
    return performance.now() >= this.lookAtMs;
  }

  private async ask<T>(path: string, schema: z.ZodType<T>): Promise<T | ApiFailure> {
    return this.connection.quietly(async () => {
      const request = await this.connection.request(path, 'calls');
      if (isApiFailure(request)) throw new ApiFailureError(request);
      const inTime = AbortSignal.timeout(this.times.answerMs);
      request.setSignal(AbortSignal.any([inTime, this.stopping.signal]));
      const answer = await new IsomorphicFetchHttpLibrary()
        .send(request)
        .toPromise()
        .then(async (response) => ({ response, text: await response.body.text() }))
        .catch((cause: unknown) => {
          throw new ApiFailureError({ failure: 'silent', definite: wasNotSent(cause), cause });
        });
      const { httpStatusCode: httpStatus, headers } = answer.response;
      if (httpStatus === 200) return schema.parse(JSON.parse(answer.text));
      const retryAfter = headers['retry-after'];
      throw new ApiFailureError(refusal({ httpStatus, retryAfter, body: answer.text }));
    });
  }
}
