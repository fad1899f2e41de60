import { Histogram, Registry } from 'prom-client';
import { CONSENT_OUTCOMES, Stopwatch } from '../../app/ports/stopwatch.js';
import type { Durations } from '../../app/ports/stopwatch.js';
import { DURATIONS } from './duration.catalogue.js';

/** How long things took on this replica since it started, as histograms of Prometheus. */
export class PrometheusStopwatch extends Stopwatch {
  private readonly registry = new Registry();
  private readonly histograms: Readonly<Record<keyof Durations, Histogram>> = {
    timeToPrompt: this.histogram('timeToPrompt'),
    sessionStart: this.histogram('sessionStart'),
    consentWait: this.histogram('consentWait'),
    httpRequest: this.histogram('httpRequest'),
    clusterRequest: this.histogram('clusterRequest'),
  };

  constructor() {
    super();
    // From the beginning, so that the first that lapses is an increase.
    for (const outcome of CONSENT_OUTCOMES) this.histograms.consentWait.zero({ outcome });
  }

  took<What extends keyof Durations>(what: What, seconds: number, labels: Durations[What]): void {
    this.histograms[what].observe({ ...labels }, seconds);
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private histogram(what: keyof Durations): Histogram {
    const { name, help, labels, buckets } = DURATIONS[what];
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.registry],
    });
  }
}
