import { FIRST, METRICS } from '../src/adapters/metrics/metric.catalogue.js';
import type { Metric } from '../src/adapters/metrics/metric.js';

const INTRODUCTION = `# Metrics

<!-- Made by \`npm run docs\` from src/adapters/metrics/metric.catalogue.ts: change it there. -->

\`GET /metrics\` on the management port (\`server.managementPort\`), in Prometheus' text format. No label names a person, a
Pod or a namespace. What is counted in the database is left out where that does not answer within two seconds. The
metrics of the process (\`process_…\`, \`nodejs_…\`) are those of prom-client.

A histogram is told as \`…_bucket\`, \`…_sum\` and \`…_count\`; its row has the lowest and the highest bound of its
buckets. For what one in ten waits longer, over all replicas:
\`histogram_quantile(0.9, sum by (le) (rate(hallpass_time_to_prompt_seconds_bucket[1h])))\`. What alerts and a dashboard
make of all this: [runbooks](runbooks/README.md).
`;

const FIRST_OF_ALL = `## What matters first

Whether anything is past its deadline, whether the one who was paged waits, and for what, and whether anything is off the
record.
`;

/** `docs/metrics.md`: every metric of Hallpass's own, and what to do with it; those that matter first come first. */
export function metricsDocument(): string {
  const first = new Set<string>(FIRST);
  const others = Object.entries<Metric>(METRICS).filter(([name]) => !first.has(name));
  return [
    INTRODUCTION,
    FIRST_OF_ALL,
    `${tableOf(FIRST.map((name) => METRICS[name]))}\n`,
    '## All others\n',
    tableOf(others.map(([, metric]) => metric)),
  ].join('\n');
}

function tableOf(metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) => {
    const { name, labels, help, use } = metric;
    const labelled = labels.length === 0 ? '' : `{${labels.join(', ')}}`;
    return `| \`${name}${labelled}\` | ${typeOf(metric)} | ${help} | ${use} |`;
  });
  return ['| metric | type | what | use |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function typeOf(metric: Metric): string {
  if (metric.type !== 'histogram') return metric.type;
  return `histogram, ${metric.buckets[0]} to ${metric.buckets.at(-1)}`;
}
