interface Told {
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** What an operator does with it. */
  readonly use: string;
}

interface Single extends Told {
  readonly type: 'gauge' | 'counter';
}

export interface Histogram extends Told {
  readonly type: 'histogram';
  /** Upper bounds, in the unit of the name, rising. */
  readonly buckets: readonly number[];
}

export type Metric = Single | Histogram;
