import { readFile, readdir } from 'node:fs/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Metric } from '../../src/adapters/metrics/metric.js';
import { METRICS } from '../../src/adapters/metrics/metric.catalogue.js';
import { CHART, ChartLab, at, the } from '../support/chart.lab.js';
import { readPromql } from '../support/promql.js';

const RUNBOOKS = 'docs/runbooks';
const HEADINGS = ['What it means', 'What to look at', 'What to do', 'How to silence it'];
/** Labels that Prometheus itself gives to what it reads. */
const OF_TARGETS = ['namespace', 'pod', 'job'];

const Alert = z.strictObject({
  alert: z.string().regex(/^Hallpass[A-Z][A-Za-z]+$/),
  expr: z.string(),
  for: z.string().regex(/^\d+m$/),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({
    summary: z.string().regex(/^[A-Z].*\.$/),
    description: z.string().regex(/\.$/),
  }),
});
const Alerts = z.object({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(Alert).min(1) })),
});
const Dashboard = z.looseObject({
  uid: z.string().min(1).max(40),
  schemaVersion: z.number().min(39),
  id: z.null(),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  annotations: z.object({ list: z.array(z.looseObject({ expr: z.string().optional() })) }),
  panels: z.array(
    z.looseObject({
      id: z.number(),
      type: z.string(),
      title: z.string().min(1),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.looseObject({ expr: z.string(), datasource: z.unknown() })).optional(),
    }),
  ),
});

let lab: ChartLab;
let alerts: z.output<typeof Alert>[];
let dashboard: z.output<typeof Dashboard>;
beforeAll(async () => {
  lab = await ChartLab.start();
  const { groups } = Alerts.parse(parse(await readFile(`${CHART}/files/alerts.yaml`, 'utf8')));
  alerts = groups.flatMap(({ rules }) => rules);
  const text = await readFile(`${CHART}/files/dashboards/hallpass.json`, 'utf8');
  dashboard = Dashboard.parse(JSON.parse(text));
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What is wrong with an expression, by the catalogue and by what prom-client tells of the process. */
async function mistakesIn(expression: string): Promise<string[]> {
  const { metrics, grouped } = readPromql(expression);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ofProcess = new Set(registry.getMetricsAsArray().map(({ name }) => name));
  const catalogue = new Map(Object.values<Metric>(METRICS).flatMap(seriesOf));
  const known = new Set(OF_TARGETS);
  const mistakes: string[] = [];
  for (const { name, labels } of metrics) {
    const found = catalogue.get(name);
    if (!found && !ofProcess.has(name)) mistakes.push(`${name} is no metric`);
    const own = new Set<string>([...OF_TARGETS, ...(found?.labels ?? [])]);
    own.forEach((label) => known.add(label));
    for (const label of labels) if (!own.has(label)) mistakes.push(`${name} has no label ${label}`);
    const isCounted = /\b(rate|increase)\(/.test(expression);
    if (found && (found.type === 'gauge') === isCounted)
      mistakes.push(`${name} is a ${found.type}`);
  }
  for (const label of grouped)
    if (!known.has(label)) mistakes.push(`nothing has the label ${label}`);
  if (metrics.length === 0) mistakes.push('asks for nothing');
  return mistakes;
}

/** The series that a metric is told as, each with what it is and the labels that it has. */
function seriesOf({ name, type, labels }: Metric): [string, Pick<Metric, 'type' | 'labels'>][] {
  if (type !== 'histogram') return [[name, { type, labels }]];
  return [
    [`${name}_bucket`, { type, labels: [...labels, 'le'] }],
    [`${name}_sum`, { type, labels }],
    [`${name}_count`, { type, labels }],
  ];
}

const pageOf = (name: string): Promise<string> => readFile(`${RUNBOOKS}/${name}.md`, 'utf8');

describe('the alerts', () => {
  test('ask for metrics and labels that Hallpass has, in PromQL that is well formed', async () => {
    for (const { alert, expr } of alerts) expect(await mistakesIn(expr), alert).toEqual([]);
  });

  test('would be found out where they asked for anything else', async () => {
    expect(await mistakesIn('max(hallpass_sesions) > 0')).toEqual([
      'hallpass_sesions is no metric',
    ]);
    expect(await mistakesIn('max(hallpass_sessions{pod_name="a"})')).toEqual([
      'hallpass_sessions has no label pod_name',
    ]);
    expect(await mistakesIn('max by (sink) (hallpass_sessions)')).toEqual([
      'nothing has the label sink',
    ]);
    expect(await mistakesIn('hallpass_bypasses_found_total > 0')).toHaveLength(1);
    expect(await mistakesIn('max(hallpass_consent_wait_seconds) > 5')).toHaveLength(1);
    expect(await mistakesIn('max(hallpass_consent_wait_seconds_bucket{le="5"}) > 5')).toHaveLength(
      1,
    );
    await expect(mistakesIn('max(hallpass_sessions) >')).rejects.toThrow('not well formed');
  });

  test('say nothing of what a label cannot: their sentences use only labels that their expression keeps', () => {
    for (const { alert, expr, annotations } of alerts) {
      const used = [...annotations.description.matchAll(/\$labels\.(\w+)/g)].map(
        (match) => match[1],
      );
      for (const label of used) expect(readPromql(expr).grouped, alert).toContain(label);
    }
  });

  test('each have a page, and each page an alert', async () => {
    const pages = (await readdir(RUNBOOKS)).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
    const index = await readFile(`${RUNBOOKS}/README.md`, 'utf8');
    for (const { alert, labels, annotations } of alerts) {
      const page = await pageOf(alert);
      expect(page).toMatch(new RegExp(`^# ${alert}\n`));
      expect(
        [...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]),
        alert,
      ).toEqual(HEADINGS);
      expect(page, alert).toContain(annotations.summary);
      expect(page, alert).toContain(`\`${labels.severity}\``);
      expect(index, alert).toMatch(
        new RegExp(`\\| \\[${alert}\\]\\(${alert}\\.md\\) +\\| ${labels.severity} `),
      );
    }
  });

  test('are the ones that their pages show', async () => {
    for (const { alert, expr } of alerts) expect(await pageOf(alert)).toContain(`\n${expr}\n`);
  });

  test('watch what the design promises: deadlines, signatures, anchors, recordings, bypasses', () => {
    const text = alerts.map(({ expr }) => expr).join('\n');
    for (const metric of [
      METRICS.pastSeconds,
      METRICS.unsequencedSeconds,
      METRICS.auditParted,
      METRICS.anchorLagSeconds,
      METRICS.recordingFailures,
      METRICS.bypasses,
      METRICS.reviewsOverdue,
      METRICS.sinkLagSeconds,
      METRICS.slackDueSeconds,
      METRICS.databaseUp,
      METRICS.blocked,
    ])
      expect(text).toContain(metric.name);
  });

  test('become a PrometheusRule with the labels and pages of the values, without those left out', async () => {
    const [left] = alerts;
    const rule = the(
      await lab.render({
        metrics: {
          prometheusRule: {
            enabled: true,
            disabled: [left?.alert],
            alertLabels: { team: 'platform', severity: 'page' },
            runbookUrl: 'https://docs.example.com/runbooks/',
            runbookSuffix: '.html',
          },
        },
      }),
      'PrometheusRule',
    );
    const groups = at(rule, 'spec', 'groups') as { rules: Record<string, unknown>[] }[];
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.map(({ alert }) => alert)).toEqual(alerts.slice(1).map(({ alert }) => alert));
    for (const [index, { alert, expr, annotations }] of alerts.slice(1).entries()) {
      expect(rules[index]).toMatchObject({
        expr,
        labels: { team: 'platform', severity: 'page' },
        annotations: {
          ...annotations,
          runbook_url: `https://docs.example.com/runbooks/${alert}.html`,
        },
      });
    }
  });
});

describe('the dashboard', () => {
  const expressions = (): string[] => [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.annotations.list.flatMap(({ expr }) => (expr === undefined ? [] : [expr])),
  ];

  test('asks for metrics and labels that Hallpass has, in PromQL that is well formed', async () => {
    expect(expressions().length).toBeGreaterThan(30);
    for (const expression of expressions())
      expect(await mistakesIn(expression), expression).toEqual([]);
  });

  test('asks whichever Prometheus is chosen, for the namespace that is chosen', () => {
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['namespace', 'query'],
      ['job', 'query'],
    ]);
    for (const { targets = [] } of dashboard.panels) {
      for (const { datasource, expr } of targets) {
        expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
        expect(expr).toContain('namespace=~"$namespace"');
      }
    }
  });

  test('has panels that do not lie over one another, each with an id of its own', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  test('comes to Grafana’s sidecar as it is in the chart', async () => {
    const objects = await lab.render({ metrics: { dashboard: { enabled: true } } });
    const map = the(objects, 'ConfigMap', 'hallpass-dashboard');
    expect(map.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
    const text = await readFile(`${CHART}/files/dashboards/hallpass.json`, 'utf8');
    expect(at(map, 'data', 'hallpass.json')).toBe(text);
  });
});
