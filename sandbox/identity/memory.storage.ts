import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Stored {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}

/** More than a sandbox holds at once; the oldest go first. */
const STORED_MAX = 10_000;

/** What the identity provider remembers, in memory only, apart from its keys and so across their rotation. */
export class MemoryStorage {
  readonly #stored = new Map<string, Stored>();

  /** The view that oidc-provider wants for one of its models (sessions, grants, codes …). */
  adapterFor(model: string): Adapter {
    const key = (id: string): string => `${model}:${id}`;
    const find = (id: string): Promise<AdapterPayload | undefined> =>
      Promise.resolve(this.#live(key(id)));
    const findBy = (
      field: 'uid' | 'userCode',
      value: string,
    ): Promise<AdapterPayload | undefined> =>
      Promise.resolve(this.#search(model, (payload) => payload[field] === value));
    return {
      find,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('userCode', code),
      upsert: async (id, payload, expiresInSeconds) => {
        this.#put(key(id), payload, expiresInSeconds);
      },
      consume: async (id) => {
        const payload = await find(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => {
        this.#stored.delete(key(id));
      },
      revokeByGrantId: async (grantId) => {
        for (const [name, { payload }] of this.#stored) {
          if (name.startsWith(`${model}:`) && payload.grantId === grantId)
            this.#stored.delete(name);
        }
      },
    };
  }

  #put(name: string, payload: AdapterPayload, expiresInSeconds: number | undefined): void {
    const expiresAtMs = Date.now() + (expiresInSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    this.#stored.delete(name);
    this.#stored.set(name, { payload, expiresAtMs });
    const [oldest] = this.#stored.keys();
    if (this.#stored.size > STORED_MAX && oldest !== undefined) this.#stored.delete(oldest);
  }

  #live(name: string): AdapterPayload | undefined {
    const stored = this.#stored.get(name);
    if (stored && stored.expiresAtMs > Date.now()) return stored.payload;
    this.#stored.delete(name);
    return undefined;
  }

  #search(model: string, wanted: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [name, { payload }] of this.#stored) {
      if (name.startsWith(`${model}:`) && wanted(payload)) return this.#live(name);
    }
    return undefined;
  }
}
