import type { Impersonated } from './impersonation.js';

export interface RequestEntry {
  at: Date;
  method: string;
  /** Path and query. No header is kept, so no token is. */
  path: string;
  /** Who showed the credentials. */
  user: string;
  /** Whom they acted as, where they acted as somebody. */
  impersonated?: Impersonated;
  /** 101 for an accepted WebSocket; 0 for a connection that was dropped. */
  status: number;
  /** What admission policies say of it to the audit log. */
  annotations: Readonly<Record<string, string>>;
  /** When it arrived and when its answer was ready (a watch or stream: began), by `performance.now()`. */
  arrivedMs: number;
  answeredMs: number;
}

/** What was asked of the API server, oldest first; the last `max` requests. */
export class RequestLog {
  readonly #entries: RequestEntry[] = [];

  constructor(private readonly max = 20_000) {}

  add(entry: RequestEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.max * 1.2)
      this.#entries.splice(0, this.#entries.length - this.max);
  }

  all(): readonly RequestEntry[] {
    return this.#entries;
  }

  find(wanted: { method?: string; path?: RegExp; user?: string; status?: number }): RequestEntry[] {
    return this.#entries.filter(
      (entry) =>
        (wanted.method === undefined || entry.method === wanted.method) &&
        (wanted.path === undefined || wanted.path.test(entry.path)) &&
        (wanted.user === undefined || entry.user === wanted.user) &&
        (wanted.status === undefined || entry.status === wanted.status),
    );
  }

  clear(): void {
    this.#entries.length = 0;
  }
}
