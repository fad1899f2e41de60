import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../project.root.js';

const FILE = join(PROJECT_ROOT, 'helm/hallpass/files/dashboards/hallpass.json');

const Threshold = z.looseObject({ color: z.string(), value: z.number().nullable() });
const Panel = z.looseObject({
  title: z.string(),
  type: z.enum(['row', 'stat', 'timeseries']),
  description: z.string().default(''),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z
    .looseObject({
      defaults: z.looseObject({
        unit: z.string().default('short'),
        noValue: z.string().default('–'),
        decimals: z.number().optional(),
        thresholds: z.looseObject({ steps: z.array(Threshold) }).optional(),
      }),
    })
    .optional(),
  targets: z
    .array(z.looseObject({ expr: z.string(), legendFormat: z.string().default('') }))
    .default([]),
});
export type Panel = z.output<typeof Panel>;

const Dashboard = z.looseObject({
  panels: z.array(Panel),
  annotations: z.object({ list: z.array(z.looseObject({ expr: z.string().exactOptional() })) }),
});

/** The panels of the chart's dashboard in their order, and what it asks besides them. */
export async function readDashboard(): Promise<{
  readonly panels: readonly Panel[];
  readonly annotations: readonly string[];
}> {
  const { panels, annotations } = Dashboard.parse(JSON.parse(await readFile(FILE, 'utf8')));
  return { panels, annotations: annotations.list.flatMap(({ expr }) => expr ?? []) };
}

/** An expression as Grafana would send it, for all namespaces and jobs. */
export function filledIn(
  expression: string,
  seconds: { readonly step: number; readonly rate: number },
): string {
  return expression
    .replaceAll('$__rate_interval', `${seconds.rate}s`)
    .replaceAll('$__interval', `${seconds.step}s`)
    .replaceAll(/"\$(?:namespace|job)"/g, '".*"');
}
