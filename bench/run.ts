import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { auditBenchmark } from './audit.bench.js';
import type { Benchmark, Findings, Measure } from './benchmark.js';
import { policyBenchmark } from './policy.bench.js';
import { sessionsBenchmark } from './sessions.bench.js';
import { slackBenchmark } from './slack.bench.js';
import { terminalBenchmark } from './terminal.bench.js';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  audit: auditBenchmark,
  policy: policyBenchmark,
  sessions: sessionsBenchmark,
  slack: slackBenchmark,
  terminal: terminalBenchmark,
};

/** Exit codes: 0 measured, 1 something failed, 2 wrong arguments, 130 interrupted. */
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv);
  if (typeof args === 'string') return complain(args, 2);
  const [name] = args.positionals;
  if (name === undefined) {
    print(listing());
    return 0;
  }
  const benchmark = BENCHMARKS[name];
  if (!benchmark) {
    return complain(
      `There is no benchmark "${name}": there is ${Object.keys(BENCHMARKS).join(', ')}.`,
      2,
    );
  }
  const events = args.values.events === undefined ? undefined : Number(args.values.events);
  if (events !== undefined && !(Number.isInteger(events) && events >= 1_000)) {
    return complain('--events is a number of 1000 or more.', 2);
  }
  const leaving = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // A second one ends the process at once, as it would without us.
    process.once(signal, () => leaving.abort(new Error('interrupted')));
  }
  try {
    const say = (what: string) => process.stderr.write(`  ${what} …\n`);
    const findings = await benchmark.run({
      signal: leaving.signal,
      say,
      ...(events === undefined ? {} : { events }),
    });
    const report = { benchmark: name, ...machine(), ...findings };
    print(args.values.json ? JSON.stringify(report) : table(report));
    return 0;
  } catch (error) {
    if (leaving.signal.aborted) return complain('Interrupted: nothing was measured.', 130);
    return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), 1);
  }
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: { json: { type: 'boolean', default: false }, events: { type: 'string' } },
      allowPositionals: true,
    });
  } catch (error) {
    if (error instanceof TypeError) return error.message.split('. ')[0] ?? error.message;
    throw error;
  }
}

function machine() {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpus: availableParallelism(),
  };
}

function listing(): string {
  const lines = Object.entries(BENCHMARKS).map(([name, { about }]) => `  ${name}  ${about}`);
  return ['npm run bench -- NAME [--json] [--events COUNT]', '', ...lines].join('\n');
}

function table(report: Findings & ReturnType<typeof machine>): string {
  const { measures, ratios, facts, node, cpus, date } = report;
  const rows = [
    ...Object.values(measures).map((measure) => [measure.what, ...cells(measure)]),
    ...Object.values(ratios).map(({ what, value }) => [what, `${value}`]),
  ];
  const width = Math.max(...rows.map(([what = '']) => what.length));
  const given = Object.entries({ node, cpus, ...facts }).map(([name, it]) => `${name} ${it}`);
  const line = ([what = '', ...rest]: readonly string[]) =>
    [what.padEnd(width), ...rest.map((cell) => cell.padStart(16))].join('');
  return [`${date}  ${given.join(', ')}`, '', ...rows.map(line)].join('\n');
}

function cells(measure: Measure): string[] {
  const of = `of ${measure.count}`;
  return measure.unit === 'ms'
    ? [
        `p50 ${measure.p50.toFixed(2)} ms`,
        `p99 ${measure.p99.toFixed(2)} ms`,
        of,
        ...worst(measure),
      ]
    : [`${measure.value.toFixed(1)} ${measure.unit}`, '', of];
}

function worst({ worst }: Extract<Measure, { unit: 'ms' }>): string[] {
  return worst === undefined ? [] : [`worst ${worst.toFixed(2)}`];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(sentence: string, exitCode: number): number {
  process.stderr.write(`${sentence}\n`);
  return exitCode;
}
