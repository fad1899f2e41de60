import type { KubeConfig, KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import { ListWatch, Watch } from '@kubernetes/client-node';

const RETRY_MS = 1_000;

interface Listed<T extends KubernetesObject> {
  readonly kubeconfig: KubeConfig;
  readonly path: string;
  readonly labelSelector?: string;
  readonly list: () => Promise<KubernetesListObject<T>>;
}

/** The objects of one list as they are now, kept by a watch, for whoever waits for something about them. */
export class ObjectsSeen<T extends KubernetesObject> {
  private readonly cache: ListWatch<T>;
  private readonly looks = new Set<() => void>();
  private hasListed = false;
  private lastError: unknown;
  private closed = false;

  private constructor({ kubeconfig, path, labelSelector, list }: Listed<T>) {
    const listed = async () => {
      const answer = await list();
      this.hasListed = true;
      return answer;
    };
    this.cache = new ListWatch(path, new Watch(kubeconfig), listed, false, labelSelector);
    this.cache.on('change', () => this.look());
    this.cache.on('error', (error) => {
      this.lastError = error;
      // It has stopped with the error. What it misses meanwhile is in the list or the watch that it begins with.
      setTimeout(() => void this.start(), RETRY_MS).unref();
    });
  }

  static async open<T extends KubernetesObject>(listed: Listed<T>): Promise<ObjectsSeen<T>> {
    const seen = new ObjectsSeen(listed);
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
      // An empty cache says nothing before the first list is there.
      const result = this.hasListed ? find(this.cache.list()) : undefined;
      if (result !== undefined) found.resolve(result);
    };
    const tooLate = setTimeout(() => {
      const seen = JSON.stringify(this.cache.list());
      found.reject(
        new Error(`${what}: not so in ${timeoutMs} ms, but ${seen}`, { cause: this.lastError }),
      );
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

  async [Symbol.asyncDispose](): Promise<void> {
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
