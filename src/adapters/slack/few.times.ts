/** So many names are remembered; with more at once, the one that began longest ago is forgotten first. */
const NAMES_MAX = 10_000;
const MINUTE_MS = 60_000;

/** Lets each name do something so many times in a minute, which begins with its first time. */
export class FewTimes {
  private readonly counts = new Map<string, { readonly since: number; count: number }>();

  constructor(private readonly perMinute: number) {}

  /** @returns whether they may, once more. */
  mayAt(now: Date, name: string): boolean {
    const at = now.getTime();
    const known = this.counts.get(name);
    if (known && Math.abs(at - known.since) < MINUTE_MS) {
      known.count += 1;
      return known.count <= this.perMinute;
    }
    this.counts.delete(name);
    this.counts.set(name, { since: at, count: 1 });
    const [oldest] = this.counts.keys();
    if (this.counts.size > NAMES_MAX && oldest !== undefined) this.counts.delete(oldest);
    return true;
  }
}
