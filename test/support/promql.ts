import { parser } from '@prometheus-io/lezer-promql';

/** What an expression asks for. */
export interface Asked {
  /** Each metric with the labels that its matchers name. */
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels by which it groups. */
  readonly grouped: readonly string[];
}

/** Reads PromQL by Prometheus' own grammar. Throws where it is not well formed. Grafana's variables are filled in. */
export function readPromql(expression: string): Asked {
  const text = expression
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$__interval', '1m')
    .replaceAll(/"\$\w+"/g, '".*"');
  const metrics: { name: string; labels: string[] }[] = [];
  const grouped: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to, node }) => {
      const words = text.slice(from, to);
      if (type.isError) throw new Error(`${expression}: not well formed at ${from}: ${words}`);
      if (type.name === 'VectorSelector') {
        const name = node.getChild('Identifier');
        metrics.push({ name: name ? text.slice(name.from, name.to) : '', labels: [] });
      }
      if (type.name === 'LabelName' && node.parent?.type.name === 'GroupingLabels')
        grouped.push(words);
      else if (type.name === 'LabelName') metrics.at(-1)?.labels.push(words);
    },
  });
  return { metrics, grouped };
}
