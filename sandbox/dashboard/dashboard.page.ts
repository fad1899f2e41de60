import type { Panel } from './dashboard.panels.js';

/** A panel and what is drawn in it. */
export interface DrawnPanel {
  readonly panel: Panel;
  readonly html: string;
}

/** As in Grafana: so many columns, each row of the grid so high. */
const COLUMNS = 24;
const ROW_PIXELS = 42;

/** The whole dashboard as one page that needs nothing else. */
export function dashboardPage(drawn: readonly DrawnPanel[], told: string): string {
  const panels = drawn.map(({ panel: { type, title, gridPos: at }, html }) => {
    const place = `grid-column:${at.x + 1}/span ${at.w};grid-row:${at.y + 1}/span ${at.h}`;
    return type === 'row'
      ? `<h2 style="${place}">${title}</h2>`
      : `<section class="${type}" style="${place}">${html}</section>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Hallpass: the dashboard</title><style>${STYLE}</style>
<h1>Hallpass</h1><p class="told">${told}</p><main>${panels.join('\n')}</main></html>\n`;
}

const STYLE = `
body { margin: 16px; background: #f4f5f5; color: #24292e; font: 13px/1.3 'Open Sans', system-ui, sans-serif; }
h1 { margin: 0; font-size: 20px; } h2 { margin: 12px 0 0; font-size: 15px; align-self: end; } h3 { margin: 0; font-size: 13px; }
.told { margin: 2px 0 8px; color: #666; }
main { display: grid; grid-template-columns: repeat(${COLUMNS}, 1fr); grid-auto-rows: ${ROW_PIXELS}px; gap: 6px; }
section { background: #fff; border: 1px solid #d8dadd; border-radius: 3px; padding: 6px 8px; overflow: hidden; display: flex; flex-direction: column; min-width: 0; }
.about { margin: 0; color: #777; font-size: 11px; }
.none { margin: auto; color: #888; text-align: center; }
.stat .stat { flex: 1; display: grid; place-content: center; margin-top: 6px; color: #fff; font-size: 26px; font-weight: 600; border-radius: 3px; }
svg { flex: 1; min-height: 0; width: 100%; } svg text { font-size: 10px; fill: #666; }
.grid line { stroke: #e3e5e7; } .lines path { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
ul { list-style: none; margin: 2px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 11px; }
li { white-space: nowrap; } i { display: inline-block; width: 10px; height: 3px; margin-right: 5px; vertical-align: middle; }
`;
