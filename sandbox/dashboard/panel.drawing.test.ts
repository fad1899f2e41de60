import { expect, test } from 'vitest';
import { filledIn, readDashboard } from './dashboard.panels.js';
import { drawPanel, isEmpty, legendOf } from './panel.drawing.js';
import { textOf } from './unit.text.js';

const OVER = { from: 1_000, to: 1_060 };
const { panels, annotations } = await readDashboard();
const drawable = panels.filter(({ type }) => type !== 'row');
const line = (...points: [number, number][]) => ({ name: 'a<b', labels: {}, points });

test('every panel of the dashboard can be drawn, in its unit', () => {
  expect(drawable.length).toBeGreaterThan(35);
  for (const panel of drawable) {
    const drawn = drawPanel(panel, [line([1_000, 0], [1_030, 0.25], [1_060, 3])], OVER);
    expect(isEmpty(drawn), panel.title).toBe(false);
    expect(drawn).toContain(textOf(3, panel.fieldConfig?.defaults.unit ?? 'short'));
    expect(drawn).not.toContain('NaN');
  }
});

test('a panel that has no data says so, also where there are series without a number', () => {
  const [panel] = drawable;
  if (!panel) throw new Error('no panels');
  expect(drawPanel(panel, [], OVER)).toContain('No data: nothing of the kind was told here.');
  const counted = drawPanel(panel, [line([1_000, Number.NaN])], OVER);
  expect(counted).toContain('No data: nothing was counted in this time.');
});

test('where there is no number the line has a gap', () => {
  const panel = drawable.find(({ type }) => type === 'timeseries');
  if (!panel) throw new Error('no panels');
  const drawn = drawPanel(
    panel,
    [line([1_000, 1], [1_020, Number.NaN], [1_040, 1], [1_060, 1])],
    OVER,
  );
  expect(/<path d="([^"]*)"/.exec(drawn)?.[1]?.match(/M/g)).toHaveLength(2);
  expect(drawn).toContain('a&lt;b');
});

test('legends and expressions are filled in as Grafana does', () => {
  const labels = { kind: 'terminal', pod: 'hallpass-0' };
  expect(legendOf('{{kind}} of {{ pod }}', { labels, points: [] })).toBe('terminal of hallpass-0');
  expect(annotations.length).toBeGreaterThan(0);
  for (const expr of [
    ...annotations,
    ...panels.flatMap(({ targets }) => targets.map((it) => it.expr)),
  ])
    expect(filledIn(expr, { step: 2, rate: 15 })).not.toContain('$');
});

test.each([
  [0, 's', '0 s'],
  [0.0123, 's', '12.3 ms'],
  [90, 's', '1.5 min'],
  [2_048, 'Bps', '2 KiB/s'],
  [1_500, 'short', '1.5 k'],
  [0.021, 'percentunit', '2.1 %'],
])('%s in the unit %s is %s', (value, unit, text) => {
  expect(textOf(value, unit)).toBe(text);
});
