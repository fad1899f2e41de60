/** Many durations, as their median and their 99th percentile; or one number for all of them. */
export type Measure = {
  readonly what: string;
  /** How many were measured. */
  readonly count: number;
} & (
  | {
      readonly unit: 'ms';
      readonly p50: number;
      readonly p99: number;
      /** The longest of all, where that is told. */
      readonly worst?: number;
    }
  | { readonly unit: '/s' | 'MB/s' | 'kB' | 'ms/s' | '%'; readonly value: number }
);

/** One measure over another of the same run: what can be compared between machines. */
export interface Ratio {
  readonly what: string;
  readonly value: number;
}

/** What a benchmark found, under names that stay. */
export interface Findings {
  readonly measures: Readonly<Record<string, Measure>>;
  readonly ratios: Readonly<Record<string, Ratio>>;
  /** Versions of what was measured with, and the like. */
  readonly facts: Readonly<Record<string, string | number>>;
}

export interface Surroundings {
  /** Once it aborts, the benchmark comes to its end soon, cleans up and throws. */
  readonly signal: AbortSignal;
  /** Told what is being done, for whoever waits. */
  readonly say: (what: string) => void;
  /** How large what is measured grows, where it grows; as usual where nobody says. */
  readonly events?: number;
}

export interface Benchmark {
  /** What it measures, in a few words. */
  readonly about: string;
  run(surroundings: Surroundings): Promise<Findings>;
}
