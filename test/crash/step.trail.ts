/**
 * The steps of one session in one broker, each named by what is called and by the last call before it that may have
 * changed anything: `before cluster.add, after write start`. Calls that are made again and again in one situation are
 * one step.
 *
 * At the step `holdAt` the session stands still: from then on none of its calls is made, and no result handed on. An
 * "after" so means that the call has had its effect and that nobody knows it.
 */
export class StepTrail {
  private readonly passed = new Set<string>();
  private readonly gate = Promise.withResolvers<undefined>();
  private lastChange = 'nothing';
  private isHeld = false;
  private calls = 0;

  constructor(
    private readonly holdAt: string | undefined,
    private readonly onHeld: () => void,
  ) {}

  /** All steps so far, in the order in which each was first passed. */
  get steps(): string[] {
    return [...this.passed];
  }

  get held(): boolean {
    return this.isHeld;
  }

  /** Whether no call is under way. */
  get quiet(): boolean {
    return this.calls === 0;
  }

  /** Lets the session go on for good. */
  letGo(): void {
    this.gate.resolve(undefined);
  }

  /** A call that may change something. */
  async change<T>(name: string, call: () => Promise<T>): Promise<T> {
    const step = this.here(name);
    return this.through(step, () => {
      this.lastChange = name;
      return call();
    });
  }

  /** A call, by its name or by {@link here}. */
  async through<T>(step: string, call: () => Promise<T>): Promise<T> {
    this.calls++;
    try {
      await this.pass(`before ${step}`);
      const result = await call();
      await this.pass(`after ${step}`);
      return result;
    } finally {
      this.calls--;
    }
  }

  /** The name of a call in the situation of now. */
  here(name: string): string {
    return `${name}, after ${this.lastChange}`;
  }

  /** From the moment on at which the session stands still it resolves only when that is let go. */
  async pass(step: string): Promise<void> {
    if (!this.isHeld) {
      this.passed.add(step);
      if (step !== this.holdAt) return;
      this.isHeld = true;
      this.onHeld();
    }
    await this.gate.promise;
  }
}
