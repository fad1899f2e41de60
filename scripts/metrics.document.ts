import { METRICS } from '../src/adapters/metrics/metric.catalogue.js';
import type { Metric } from '../src/adapters/metrics/metric.catalogue.js';

const INTRODUCTION = `# Metrics

<!-- Made by \`npm run docs\` from src/adapters/metrics/metric.catalogue.ts: change it there. -->

\`GET /metrics\` on the management port (\`server.managementPort\`), in Prometheus' text format. No label names a person, a
Pod or a namespace. What is counted in the database is left out where that does not answer within two seconds. The
metrics of the process (\`process_…\`, \`nodejs_…\`) are those of prom-client.
`;

/** `docs/metrics.md`: every metric of Hallpass's own, and what to do with it. */
export function metricsDocument(): string {
  const rows = Object.values<Metric>(METRICS).map(
    ({ name, type, labels, help, use }) =>
      `| \`${name}${labels.length === 0 ? '' : `{${labels.join(', ')}}`}\` | ${type} | ${help} | ${use} |`,
  );
  return [
    INTRODUCTION,
    ['| metric | type | what | use |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n');
}
