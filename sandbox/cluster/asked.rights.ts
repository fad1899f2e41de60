import type { Attributes } from './authorizer.js';

/** One right that somebody needed, and whether they had it. */
export interface AskedRight {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly allowed: boolean;
}

/** More kinds of requests than any test makes; what comes beyond is counted with what is there, or not at all. */
const KINDS_MAX = 10_000;

/** What requests were authorized as, by whom they were made: each right once, with how often it was needed. */
export class AskedRights {
  readonly #times = new Map<string, { readonly right: AskedRight; times: number }>();

  note(user: string, { verb, group, resource, subresource, path }: Attributes, allowed: boolean) {
    if (path !== undefined) return;
    const right = { user, verb, group, resource, subresource, allowed };
    const key = JSON.stringify(right);
    const known = this.#times.get(key);
    if (known !== undefined) known.times++;
    else if (this.#times.size < KINDS_MAX) this.#times.set(key, { right, times: 1 });
  }

  /** Those of one user, as the API server names them. */
  of(user: string): (AskedRight & { readonly times: number })[] {
    return [...this.#times.values()]
      .filter(({ right }) => right.user === user)
      .map(({ right, times }) => ({ ...right, times }));
  }
}
