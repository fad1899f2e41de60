import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { startBrowser } from './browser.js';
import { BusyReplicas } from './dashboard/busy.replicas.js';
import type { DrawnPanel } from './dashboard/dashboard.page.js';
import { dashboardPage } from './dashboard/dashboard.page.js';
import { filledIn, readDashboard } from './dashboard/dashboard.panels.js';
import type { Line } from './dashboard/panel.drawing.js';
import { drawPanel, isEmpty, legendOf } from './dashboard/panel.drawing.js';
import { PrometheusProcess } from './dashboard/prometheus.process.js';
import { say } from './demo/screen.js';

const HELP = `Shows the chart's dashboard without Grafana: scrapes replicas with the Prometheus of this machine, asks it what
each panel asks, and draws the answers. A query that Prometheus refuses fails it.

  npm run dashboard:show                    two replicas in a sandbox of its own, in which people work
  npm run dashboard:show -- --metrics http://127.0.0.1:9090
                                            replicas that run already (npm run demo), each by its management address
    --minutes 2                             for so long
    --page dashboard.html --picture dashboard.png
                                            what it writes
    --height 700                              only so much of the picture, from the top
`;

const SCRAPE_SECONDS = 1;
/** What `rate` looks back over: some scrapes more than it needs. */
const RATE_SECONDS = 15;
const PICTURE = { width: 1500, height: 1000 };

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});

async function main(): Promise<number> {
  const { values: args } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      metrics: { type: 'string', multiple: true, default: [] },
      minutes: { type: 'string', default: '2' },
      page: { type: 'string', default: 'dashboard.html' },
      picture: { type: 'string', default: 'dashboard.png' },
      height: { type: 'string', default: '' },
    },
  });
  if (args.help) {
    say(HELP);
    return 0;
  }
  const seconds = Number(args.minutes) * 60;
  if (!(seconds > 0 && seconds <= 3_600)) {
    process.stderr.write('--minutes is a number above 0, 60 at most.\n');
    return 2;
  }
  await using opened = new AsyncDisposableStack();
  const busy = args.metrics.length > 0 ? undefined : opened.use(await BusyReplicas.start());
  const urls = busy?.brokers.map(({ managementUrl }) => managementUrl) ?? args.metrics;
  const replicas = urls.map((url, n) => ({
    url,
    labels: { namespace: 'hallpass', pod: `hallpass-${n}`, job: 'hallpass' },
  }));
  const prometheus = opened.use(
    await PrometheusProcess.start({ replicas, everySeconds: SCRAPE_SECONDS }),
  );
  say(`Scraping ${urls.join(' and ')} for ${args.minutes} minutes …`);
  const from = Date.now() / 1000;
  const leaving = new AbortController();
  const working = busy?.work(leaving.signal);
  await Promise.race([pause(seconds * 1000), working ?? new Promise(() => undefined)]);
  leaving.abort();
  await working;
  const drawn = await drawAll(prometheus, { from, to: Date.now() / 1000 });
  const empty = drawn.filter(({ html }) => isEmpty(html));
  const told = `${new Date(from * 1000).toISOString().slice(0, 19)}Z, ${args.minutes} minutes, ${urls.length} replicas`;
  await writeFile(args.page, dashboardPage(drawn, told));
  await picture(args.page, args.picture, Number(args.height));
  say(
    `${args.page} and ${args.picture}: ${drawn.filter(({ panel }) => panel.type !== 'row').length} panels`,
    ...empty.map(({ panel }) => `  without data: ${panel.title}`),
  );
  return 0;
}

async function drawAll(
  prometheus: PrometheusProcess,
  over: { readonly from: number; readonly to: number },
): Promise<DrawnPanel[]> {
  const step = Math.max(1, Math.round((over.to - over.from) / 240));
  const drawn: DrawnPanel[] = [];
  const { panels, annotations } = await readDashboard();
  for (const panel of panels) {
    const lines: Line[] = [];
    for (const { expr, legendFormat } of panel.targets) {
      const asked = filledIn(expr, { step, rate: RATE_SECONDS });
      const series = await prometheus.range(asked, { ...over, stepSeconds: step });
      lines.push(...series.map((it) => ({ ...it, name: legendOf(legendFormat, it) })));
    }
    drawn.push({ panel, html: panel.type === 'row' ? '' : drawPanel(panel, lines, over) });
  }
  // Nothing draws them, but they must be none that Prometheus refuses.
  for (const expr of annotations)
    await prometheus.range(filledIn(expr, { step, rate: RATE_SECONDS }), {
      ...over,
      stepSeconds: step,
    });
  return drawn;
}

/** @param height in pixels; 0: all of it. */
async function picture(page: string, file: string, height: number): Promise<void> {
  const browser = await startBrowser();
  try {
    const tab = await browser.newPage({ viewport: PICTURE });
    await tab.goto(pathToFileURL(page).href);
    const clip = { x: 0, y: 0, width: PICTURE.width, height };
    await tab.screenshot({ path: file, fullPage: true, ...(height > 0 ? { clip } : {}) });
  } finally {
    await browser.close();
  }
}
