/** Something that passes only while it is open. */
export class Gate {
  private readonly waiting = new Set<() => void>();

  constructor(private open: boolean) {}

  get isOpen(): boolean {
    return this.open;
  }

  /** @returns whether that is news. */
  set(open: boolean): boolean {
    if (this.open === open) return false;
    this.open = open;
    if (open) this.wake();
    return true;
  }

  /** Lets those that wait look again, whether it is open or not. */
  wake(): void {
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const resolve of woken) resolve();
  }

  /** Resolves when it opens, or when those that wait are woken. */
  waits(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }
}
