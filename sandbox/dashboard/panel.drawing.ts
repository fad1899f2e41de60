import type { Panel } from './dashboard.panels.js';
import type { Series } from './prometheus.process.js';
import { textOf } from './unit.text.js';

/** A line of a panel, named as its legend has it. */
export interface Line extends Series {
  readonly name: string;
}

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 64;
const BOTTOM = 20;
const TOP = 8;
const TICKS = 4;
const NONE = '<p class="none">';
const LEGEND_MAX = 8;
const COLOURS = [
  '#56a64b',
  '#3274d9',
  '#e0752d',
  '#8f3bb8',
  '#e02f44',
  '#b8860b',
  '#17a2a2',
  '#705da0',
];
const NAMED: Readonly<Record<string, string>> = {
  green: '#56a64b',
  orange: '#e0752d',
  red: '#c4162a',
};

/** A panel as SVG and HTML; one without data says so. */
export function drawPanel(
  panel: Panel,
  lines: readonly Line[],
  over: { readonly from: number; readonly to: number },
): string {
  const hasData = lines.some(({ points }) => points.some(([, value]) => Number.isFinite(value)));
  const body = hasData
    ? panel.type === 'stat'
      ? stat(panel, lines)
      : chart(panel, largestFirst(lines), over)
    : `${NONE}No data: ${escaped(whyNone(lines))}</p>`;
  const about =
    panel.description === '' ? '' : `<p class="about">${escaped(panel.description)}</p>`;
  return `<h3>${escaped(panel.title)}</h3>${panel.type === 'stat' ? '' : about}${body}`;
}

/** `{{label}}` of a legend filled in; the labels themselves where there is none. */
export function legendOf(format: string, { labels }: Series): string {
  if (format === '') return Object.values(labels).join(' ');
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Whether a drawing says that there is nothing to draw. */
export function isEmpty(html: string): boolean {
  return html.includes(NONE);
}

function whyNone(lines: readonly Line[]): string {
  return lines.length === 0
    ? 'nothing of the kind was told here.'
    : 'nothing was counted in this time.';
}

function stat(panel: Panel, lines: readonly Line[]): string {
  const defaults = panel.fieldConfig?.defaults;
  const value = lines.flatMap(({ points }) => points.map(([, it]) => it)).findLast(Number.isFinite);
  const step = defaults?.thresholds?.steps.findLast(
    (it) => it.value === null || (value ?? 0) >= it.value,
  );
  const colour = NAMED[step?.color ?? ''] ?? '#555';
  return `<div class="stat" style="background:${colour}">${textOf(value ?? 0, defaults?.unit ?? 'short')}</div>`;
}

function chart(
  panel: Panel,
  lines: readonly Line[],
  { from, to }: { readonly from: number; readonly to: number },
): string {
  const { unit = 'short', decimals } = panel.fieldConfig?.defaults ?? {};
  const finite = lines.flatMap(({ points }) => points.map(([, it]) => it)).filter(Number.isFinite);
  const top = niceTop(Math.max(...finite, 0), /^(?:bytes|Bps)$/.test(unit) ? 2 : 10);
  const x = (at: number) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - 8);
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: TICKS + 1 }, (_, n) => (top * n) / TICKS);
  const grid = ticks.map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${textOf(value, unit)}</text>`,
  );
  const times = [from, (from + to) / 2, to].map((at, n) => {
    const anchor = ['start', 'middle', 'end'][n] ?? 'middle';
    return `<text x="${x(at)}" y="${HEIGHT - 4}" text-anchor="${anchor}">${new Date(at * 1000).toISOString().slice(11, 19)}</text>`;
  });
  const paths = lines.map(({ points }, n) => {
    const colour = COLOURS[n % COLOURS.length] ?? '#000';
    return `<path d="${pathOf(points, { x, y })}" stroke="${colour}"/>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}"><g class="grid">${grid.join('')}${times.join('')}</g><g class="lines">${paths.join('')}</g></svg>${legend(lines, { unit, decimals })}`;
}

/** Parts that have no number are gaps; a number alone between two of them is a dot. */
function pathOf(
  points: Series['points'],
  { x, y }: { readonly x: (at: number) => number; readonly y: (value: number) => number },
): string {
  let isOpen = false;
  return points
    .map(([at, value]) => {
      if (!Number.isFinite(value)) {
        isOpen = false;
        return '';
      }
      const place = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      const drawn = isOpen ? `L${place}` : `M${place}l0.1 0`;
      isOpen = true;
      return drawn;
    })
    .join('');
}

/** Where there are more than fit into a legend, those are left out that hardly show. */
function largestFirst(lines: readonly Line[]): Line[] {
  const top = ({ points }: Line) =>
    Math.max(0, ...points.map(([, value]) => value).filter(Number.isFinite));
  return lines.toSorted((a, b) => top(b) - top(a));
}

function legend(
  lines: readonly Line[],
  { unit, decimals }: { readonly unit: string; readonly decimals: number | undefined },
): string {
  const rows = lines.slice(0, LEGEND_MAX).map(({ name, points }, n) => {
    const last = points.map(([, value]) => value).findLast(Number.isFinite);
    const said = last === undefined ? '–' : textOf(last, unit, decimals);
    return `<li><i style="background:${COLOURS[n % COLOURS.length]}"></i>${escaped(name)} <b>${said}</b></li>`;
  });
  const more = lines.length > LEGEND_MAX ? [`<li>and ${lines.length - LEGEND_MAX} more</li>`] : [];
  return `<ul>${[...rows, ...more].join('')}</ul>`;
}

/** The next round number, in powers of two where bytes are counted. */
function niceTop(value: number, base: 2 | 10): number {
  if (value <= 0) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(value));
  const size = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8].find((it) => it * size >= value) ?? 10) * size;
}
