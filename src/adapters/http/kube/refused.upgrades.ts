import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import { personOf } from '../../../app/caller.js';
import type { Problem } from '../../../domain/problem.js';

/** kubectl asks again at once. */
const KEPT_MS = 10_000;
const KEPT_MAX = 1_000;

/**
 * Why WebSockets were refused, for a moment and on this replica: kubectl then asks for the same by SPDY, and its user
 * reads that answer alone.
 */
export class RefusedUpgrades {
  private readonly kept = new Map<string, { readonly problem: Problem; readonly atMs: number }>();

  keep(caller: Caller, request: FastifyRequest, problem: Problem): void {
    const key = keyOf(caller, request);
    this.kept.delete(key);
    this.kept.set(key, { problem, atMs: performance.now() });
    // In the order in which they came: the first is the oldest.
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_MAX && oldest !== undefined) this.kept.delete(oldest);
  }

  /** Told once; undefined where nothing was refused lately. */
  take(caller: Caller, request: FastifyRequest): Problem | undefined {
    const key = keyOf(caller, request);
    const found = this.kept.get(key);
    this.kept.delete(key);
    return found && performance.now() - found.atMs < KEPT_MS ? found.problem : undefined;
  }
}

function keyOf(caller: Caller, { url }: FastifyRequest): string {
  const { iss, sub } = personOf(caller);
  return JSON.stringify([iss, sub, url.split('?', 1)[0]]);
}
