import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import { ListWatch, Watch } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';

const RETRY_MS = 1_000;

/** The objects of one list as they are now, kept by a watch, and whoever waits for something about them. */
export class ObjectsSeen<T extends KubernetesObject> {
  private readonly looks = new Set<() => void>();
  private lastError: unknown;
  private closed = false;

  private constructor(private readonly cache: ListWatch<T>) {
    cache.on('change', () => this.look());
    cache.on('error', (error) => {
      this.lastError = error;
      // An informer that met an error has stopped; what it missed is in the list that it begins with.
      setTimeout(() => void this.start(), RETRY_MS).unref();
    });
  }

  static async open<T extends KubernetesObject>(args: {
    readonly kubeconfig: KubeConfig;
    readonly path: string;
    readonly labelSelector?: string;
    readonly list: () => Promise<KubernetesListObject<T>>;
  }): Promise<ObjectsSeen<T>> {
    const { kubeconfig, path, list, labelSelector } = args;
    const seen = new ObjectsSeen<T>(
      new ListWatch(path, new Watch(kubeconfig), list, false, labelSelector),
    );
    await seen.start();
    return seen;
  }

  /** What `find` gives, as soon as it gives something. @throws Error after so long, with what was awaited. */
  async until<R>(
    find: (objects: readonly T[]) => R | undefined,
    { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
  ): Promise<R> {
    const found = Promise.withResolvers<R>();
    const look = () => {
      const result = find(this.cache.list());
      if (result !== undefined) found.resolve(result);
    };
    const tooLate = setTimeout(() => {
      const message = `waited ${timeoutMs} ms in vain: ${what}; seen: ${JSON.stringify(this.cache.list())}`;
      found.reject(new Error(message, { cause: this.lastError }));
    }, timeoutMs);
    this.looks.add(look);
    look();
    try {
      return await found.promise;
    } finally {
      clearTimeout(tooLate);
      this.looks.delete(look);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.cache.stop();
  }

  private async start(): Promise<void> {
    if (this.closed) return;
    await this.cache.start();
    this.look();
  }

  private look(): void {
    for (const look of this.looks) look();
  }
}
