/** Hands values from whoever finds them to one reader, in order. Bounded: the oldest is dropped for the newest. */
export class NewsQueue<T> {
  private readonly waiting: T[] = [];
  private wake: (() => void) | undefined;

  constructor(private readonly lengthMax = 100) {}

  put(value: T): void {
    this.waiting.push(value);
    if (this.waiting.length > this.lengthMax) this.waiting.shift();
    this.wake?.();
  }

  /** The next value; `undefined` once `signal` has aborted and nothing is left. */
  async take(signal: AbortSignal): Promise<T | undefined> {
    const wake = () => this.wake?.();
    signal.addEventListener('abort', wake);
    while (this.waiting.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    signal.removeEventListener('abort', wake);
    return this.waiting.shift();
  }
}
