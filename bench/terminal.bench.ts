import { Kubectl } from '../sandbox/cluster/kubectl.runner.js';
import { startCluster } from '../sandbox/cluster/stand-in.cluster.js';
import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import type { Benchmark, Findings, Surroundings } from './benchmark.js';
import { DirectExec } from './direct.exec.js';
import { IdlePods } from './idle.pods.js';
import { timeKubectlDebug } from './kubectl.debug.js';
import { NAMESPACE } from './sessions.stage.js';
import { hundredths, percentile, spread } from './statistics.js';

export interface Extent {
  readonly keystrokes: number;
  /** Each output is of so many lines. */
  readonly lines: number;
  readonly outputs: number;
  readonly debugs: number;
}

const FULL: Extent = { keystrokes: 2_000, lines: 13_000_000, outputs: 5, debugs: 20 };

const WARM_UP = 100;
const CONTAINER = 'app';
const LARGE = '/tmp/large';

/** How a terminal feels: each measure straight to the cluster. */
export const terminalBenchmark: Benchmark = {
  about: 'a terminal: the echo of keystrokes, large outputs, the time to a prompt',
  run: (surroundings) => measureTerminal(FULL, surroundings),
};

export async function measureTerminal(
  extent: Extent,
  { signal, say }: Surroundings,
): Promise<Findings> {
  signal.throwIfAborted();
  await using opened = new AsyncDisposableStack();
  say('starting cluster');
  const cluster = await startCluster();
  opened.defer(() => cluster.close());
  cluster.addNamespace(NAMESPACE);
  const pods = opened.use(await IdlePods.add(cluster, { prefix: 'terminal', count: 1 }));
  const pod = pods.at(0);
  say(`${extent.keystrokes} keystrokes, after ${WARM_UP}`);
  const echoMs = await echoes(cluster, { pod, count: extent.keystrokes, signal });
  const bytes = await makeOutput(cluster, { pod, lines: extent.lines });
  say(
    `${extent.outputs} outputs of ${Math.round(bytes / 1e6)} MB, each in a terminal and in a pipe`,
  );
  const rates = { pipe: [] as number[], tty: [] as number[] };
  for (let turn = 0; turn < extent.outputs; turn++) {
    signal.throwIfAborted();
    rates.pipe.push(await output(cluster, { pod, bytes, tty: false }));
    rates.tty.push(await output(cluster, { pod, bytes, tty: true }));
  }
  say(`kubectl debug -it, ${extent.debugs} times`);
  const debugMs = await debugs(cluster, { pod, count: extent.debugs, signal });
  const rate = (what: string, values: readonly number[]) => {
    const value = hundredths(percentile(values, 50));
    return { what, unit: 'MB/s', count: values.length, value } as const;
  };
  return {
    measures: {
      directEcho: {
        what: 'echo of a keystroke, straight to the cluster',
        unit: 'ms',
        ...spread(echoMs),
      },
      directOutput: rate('large output in a pipe, straight', rates.pipe),
      directTerminalOutput: rate('large output in a terminal, straight', rates.tty),
      kubectlDebug: {
        what: 'kubectl debug -it to its first output',
        unit: 'ms',
        ...spread(debugMs),
      },
    },
    ratios: {},
    facts: { outputBytes: bytes, isolation: cluster.runtime.isolation },
  };
}

/** Types one letter after the other, each once the one before has come back, and gives how long each took. */
async function echoes(
  cluster: StandInCluster,
  { pod, count, signal }: { pod: string; count: number; signal: AbortSignal },
): Promise<number[]> {
  // Without line editing the program answers each letter: what a shell with a prompt does as well.
  const command = ['sh', '-c', 'stty raw -echo; echo ready; exec cat'];
  const exec = await DirectExec.open(cluster, { pod, container: CONTAINER, command, tty: true });
  try {
    await exec.untilReceived('ready\n'.length);
    let tookMs: number[] = [];
    for (let turn = -WARM_UP; turn < count; turn++) {
      signal.throwIfAborted();
      if (turn === 0) tookMs = [];
      const fromMs = performance.now();
      const expected = exec.receivedBytes + 1;
      await exec.write('x');
      await exec.untilReceived(expected);
      tookMs.push(performance.now() - fromMs);
    }
    return tookMs;
  } finally {
    exec.close();
  }
}

/** Makes a file of numbered lines, text as logs are, and gives its size. */
async function makeOutput(
  cluster: StandInCluster,
  { pod, lines }: { pod: string; lines: number },
): Promise<number> {
  const command = ['sh', '-c', `seq 1 ${lines} > ${LARGE}`];
  const exec = await DirectExec.open(cluster, { pod, container: CONTAINER, command, tty: false });
  await exec.untilOver();
  let bytes = 0;
  for (let digits = 1, from = 1; from <= lines; digits++, from *= 10) {
    bytes += (Math.min(lines, from * 10 - 1) - from + 1) * (digits + 1);
  }
  return bytes;
}

/** Writes it all out, and gives how many MB arrived in a second. */
async function output(
  cluster: StandInCluster,
  { pod, bytes, tty }: { pod: string; bytes: number; tty: boolean },
): Promise<number> {
  // A terminal would put a carriage return before each line's end.
  const command = tty ? ['sh', '-c', `stty -opost; exec cat ${LARGE}`] : ['cat', LARGE];
  const fromMs = performance.now();
  const exec = await DirectExec.open(cluster, { pod, container: CONTAINER, command, tty });
  try {
    await exec.untilReceived(bytes);
    return bytes / 1e6 / ((performance.now() - fromMs) / 1_000);
  } finally {
    exec.close();
  }
}

async function debugs(
  cluster: StandInCluster,
  { pod, count, signal }: { pod: string; count: number; signal: AbortSignal },
): Promise<number[]> {
  const kubectl = await Kubectl.with(cluster.kubeconfig('admin', NAMESPACE));
  try {
    // The first unpacks kubectl and fills its cache of what the server can do.
    await timeKubectlDebug(kubectl, pod);
    const tookMs: number[] = [];
    for (let turn = 0; turn < count; turn++) {
      signal.throwIfAborted();
      tookMs.push(await timeKubectlDebug(kubectl, pod));
    }
    return tookMs;
  } finally {
    await kubectl.close();
  }
}
