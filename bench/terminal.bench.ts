import type { Benchmark, Findings, Surroundings } from './benchmark.js';
import type { Load } from './many.terminals.js';
import { manyTerminals } from './many.terminals.js';
import { hundredths, percentile, spread } from './statistics.js';
import type { Prompts, Way } from './terminal.measures.js';
import { echoes, makeOutput, output, prompts } from './terminal.measures.js';
import { TerminalStage } from './terminal.stage.js';

export interface Extent {
  readonly keystrokes: number;
  /** Each output is of so many lines. */
  readonly lines: number;
  readonly outputs: number;
  readonly prompts: number;
  /** How many terminals are open at once, rising. */
  readonly terminals: readonly number[];
  /** How long they are looked at, idle and busy. */
  readonly watchMs: number;
  /** So many looks in turn, five a second, show that nothing goes on: recordings that have ended are looked for every two seconds. */
  readonly quietLooks: number;
}

const FULL: Extent = {
  keystrokes: 2_000,
  lines: 13_000_000,
  outputs: 3,
  prompts: 20,
  terminals: [10, 100, 300, 1_000],
  watchMs: 10_000,
  quietLooks: 12,
};

/** The Pods of the prompts, beside the first; those of the many terminals come after. */
const PROMPT_PODS = 10;

/** How a terminal through the broker feels, and what it takes, beside one straight to the cluster. */
export const terminalBenchmark: Benchmark = {
  about: 'a terminal: echo, large outputs, time to a prompt, memory and CPU of many',
  run: (surroundings) => measureTerminal(FULL, surroundings),
};

export async function measureTerminal(
  extent: Extent,
  { signal, say }: Surroundings,
): Promise<Findings> {
  signal.throwIfAborted();
  const most = Math.max(0, ...extent.terminals);
  const many = 1 + PROMPT_PODS;
  await using stage = await TerminalStage.start(say, {
    pods: many + most + 1,
    quietLooks: extent.quietLooks,
  });
  signal.throwIfAborted();
  const session = await stage.running(0);
  const direct: Way = (wanted) => stage.direct(session, wanted);
  const recorded: Way = (wanted) => stage.brokered(session, wanted);
  const unrecorded: Way = (wanted) => stage.unrecorded(session, wanted);
  say(`${extent.keystrokes} keystrokes each way`);
  const ways = [direct, recorded, unrecorded];
  const echoMs = await echoes(ways, { count: extent.keystrokes, signal });
  const bytes = await makeOutput(direct, extent.lines);
  say(`${extent.outputs} outputs of ${Math.round(bytes / 1e6)} MB each way`);
  const rates = { pipe: ways.map((): number[] => []), tty: ways.map((): number[] => []) };
  for (let turn = 0; turn < extent.outputs; turn++) {
    for (const [place, way] of ways.entries()) {
      signal.throwIfAborted();
      await stage.quiet();
      rates.pipe[place]?.push(await output(way, { bytes, tty: false }));
      await stage.quiet();
      rates.tty[place]?.push(await output(way, { bytes, tty: true }));
    }
  }
  await stage.quiet();
  say(`kubectl debug -it and sessions, ${extent.prompts} of each`);
  const promptMs = await prompts(stage, { first: 1, count: extent.prompts, signal });
  // What the large outputs left in its memory is not the terminals'.
  await stage.anew(say);
  const { loads, leftKb } = await manyTerminals(stage, {
    first: many,
    sizes: extent.terminals,
    watchMs: extent.watchMs,
    signal,
    say,
  });
  return findings({ echoMs, rates, promptMs, loads, leftKb, bytes, stage });
}

function findings(found: {
  readonly echoMs: number[][];
  readonly rates: { readonly pipe: number[][]; readonly tty: number[][] };
  readonly promptMs: Prompts;
  readonly loads: readonly Load[];
  readonly leftKb: number;
  readonly bytes: number;
  readonly stage: TerminalStage;
}): Findings {
  const { echoMs, rates, promptMs, loads, leftKb, bytes, stage } = found;
  const [directMs = [], recordedMs = [], unrecordedMs = []] = echoMs;
  const addedMs = recordedMs.map((took, place) => took - (directMs[place] ?? 0));
  const median = (values: readonly number[] = []) => percentile(values, 50);
  const ms = (what: string, values: readonly number[]) =>
    ({ what, unit: 'ms', ...spread(values) }) as const;
  const rate = (what: string, values: readonly number[] = []) =>
    ({
      what,
      unit: 'MB/s',
      count: values.length,
      value: hundredths(median(values)),
    }) as const;
  const ratio = (what: string, a: readonly number[] = [], b: readonly number[] = []) => ({
    what,
    value: hundredths(median(a) / median(b)),
  });
  const { pipe, tty } = rates;
  return {
    measures: {
      directEcho: ms('echo of a keystroke, straight to the cluster', directMs),
      echo: ms('… through the broker, recorded', recordedMs),
      unrecordedEcho: ms('… through the broker, not recorded', unrecordedMs),
      addedEcho: ms('… added by the broker, recorded', addedMs),
      directOutput: rate('large output in a pipe, straight', pipe[0]),
      output: rate('… recorded', pipe[1]),
      unrecordedOutput: rate('… not recorded', pipe[2]),
      directTerminalOutput: rate('large output in a terminal, straight', tty[0]),
      terminalOutput: rate('… recorded', tty[1]),
      unrecordedTerminalOutput: rate('… not recorded', tty[2]),
      kubectlDebug: ms('kubectl debug -it to its first output', promptMs.debugMs),
      askedToPrompt: ms('session asked for to its prompt', promptMs.askedMs),
      grantedToPrompt: ms('session granted to its prompt', promptMs.grantedMs),
      ...Object.fromEntries(loads.flatMap((load) => Object.entries(loadMeasures(load)))),
    },
    ratios: {
      echoToDirect: ratio('echo recorded / straight', recordedMs, directMs),
      outputToDirect: ratio('output in a pipe, recorded / straight', pipe[1], pipe[0]),
      unrecordedOutputToDirect: ratio('… not recorded / straight', pipe[2], pipe[0]),
      terminalOutputToDirect: ratio('output in a terminal, recorded / straight', tty[1], tty[0]),
      unrecordedTerminalOutputToDirect: ratio('… not recorded / straight', tty[2], tty[0]),
      promptToKubectlDebug: ratio(
        'granted to prompt / kubectl debug',
        promptMs.grantedMs,
        promptMs.debugMs,
      ),
      askedToKubectlDebug: ratio(
        'asked to prompt / kubectl debug',
        promptMs.askedMs,
        promptMs.debugMs,
      ),
      ...growth(loads),
    },
    facts: {
      outputBytes: bytes,
      isolation: stage.cluster.isolation,
      leftKbAfterClosing: hundredths(leftKb),
    },
  };
}

type LoadMeasures = Readonly<Record<string, Findings['measures'][string]>>;

function loadMeasures(load: Load): LoadMeasures {
  const { terminals: count } = load;
  const one = (what: string, unit: 'kB' | 'ms/s' | '%', value: number) =>
    ({ what: `${what}, of ${count} open`, unit, count, value: hundredths(value) }) as const;
  return {
    [`heap${count}`]: one('heap and buffers of an idle terminal', 'kB', load.heapKb),
    [`rss${count}`]: one('RSS of an idle terminal', 'kB', load.rssKb),
    [`busyHeap${count}`]: one('heap and buffers of a busy one', 'kB', load.busyHeapKb),
    [`busyRss${count}`]: one('RSS of a busy one', 'kB', load.busyRssKb),
    [`idleCpu${count}`]: one('CPU of an idle one', 'ms/s', load.idleCpuMs),
    [`busyCpu${count}`]: one('CPU of a busy one', 'ms/s', load.busyCpuMs),
    [`echoed${count}`]: one('of what was typed, echoed', '%', load.echoed * 100),
  };
}

/** How much one terminal takes of the largest number, of what it takes of the smallest that is not tiny. */
function growth(loads: readonly Load[]): Findings['ratios'] {
  const last = loads.at(-1);
  const first = loads.find(({ terminals }) => terminals >= 100) ?? loads[0];
  if (!last || !first || last === first) return {};
  const what = (of: string) =>
    `${of} of a terminal, of ${last.terminals} open / of ${first.terminals}`;
  return {
    heapGrowth: { what: what('heap'), value: hundredths(last.heapKb / first.heapKb) },
    idleCpuGrowth: { what: what('idle CPU'), value: hundredths(last.idleCpuMs / first.idleCpuMs) },
    busyCpuGrowth: { what: what('busy CPU'), value: hundredths(last.busyCpuMs / first.busyCpuMs) },
  };
}
