import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { freePort } from '../free.port.js';

/** What is scraped, and the labels that it is given, as a ServiceMonitor would. */
export interface ScrapedReplica {
  /** `http://host:port`, of the management port. */
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One line of a panel: its labels, and its values by time in seconds; what Prometheus has no number for is NaN. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [at: number, value: number])[];
}

const READY_MS_MAX = 20_000;

const Answer = z.discriminatedUnion('status', [
  z.looseObject({
    status: z.literal('success'),
    data: z.object({
      resultType: z.literal('matrix'),
      result: z.array(
        z.object({
          metric: z.record(z.string(), z.string()),
          values: z.array(z.tuple([z.number(), z.string()])),
        }),
      ),
    }),
  }),
  z.looseObject({ status: z.literal('error'), error: z.string() }),
]);

/** The Prometheus of this machine, with nothing in it but what it scrapes of these replicas. */
export class PrometheusProcess implements AsyncDisposable {
  private constructor(
    private readonly url: string,
    private readonly opened: AsyncDisposableStack,
  ) {}

  /** @throws Error where none is installed, or it does not start: its message says what it said. */
  static async start(args: {
    readonly replicas: readonly ScrapedReplica[];
    readonly everySeconds: number;
  }): Promise<PrometheusProcess> {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-prometheus-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, 'prometheus.yaml');
    const every = `${args.everySeconds}s`;
    const targets = args.replicas.map(({ url, labels }) => ({
      targets: [new URL(url).host],
      labels,
    }));
    await writeFile(
      config,
      stringify({
        global: { scrape_interval: every, scrape_timeout: every },
        scrape_configs: [{ job_name: 'hallpass', static_configs: targets }],
      }),
    );
    const port = await freePort(0);
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)));
    const ended = once(child, 'exit').catch((error: unknown) => [error]);
    opened.defer(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    let why: string | undefined;
    void ended.then(([cause]: unknown[]) => {
      const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      why = isAbsent ? NOT_INSTALLED : `Prometheus ended: ${said}`;
    });
    const url = `http://127.0.0.1:${port}`;
    const until = performance.now() + READY_MS_MAX;
    const isReady = () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) {
      if (why !== undefined || performance.now() > until)
        throw new Error(why ?? `Prometheus is not ready: ${said}`);
      await pause(100);
    }
    return new PrometheusProcess(url, opened.move());
  }

  /** @throws Error with Prometheus' own words where it refuses the expression. */
  async range(
    expression: string,
    over: { readonly from: number; readonly to: number; readonly stepSeconds: number },
  ): Promise<Series[]> {
    const asked = new URLSearchParams({
      query: expression,
      start: String(over.from),
      end: String(over.to),
      step: String(over.stepSeconds),
    });
    const response = await fetch(`${this.url}/api/v1/query_range?${asked.toString()}`);
    const answer = Answer.parse(await response.json());
    if (answer.status === 'error') throw new Error(`${answer.error}\n  in: ${expression}`);
    return answer.data.result.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([at, value]) => [at, valueOf(value)] as const),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.disposeAsync();
  }
}

const NOT_INSTALLED =
  'There is no `prometheus` on this machine. Only this command needs one: `apt-get install prometheus`, or any other way.';

function valueOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
