import { setTimeout as after } from 'node:timers/promises';
import { Kubectl } from '../sandbox/cluster/kubectl.runner.js';
import { timeKubectlDebug } from './kubectl.debug.js';
import type { OpenProcess, Wanted } from './open.process.js';
import type { RunningSession, TerminalStage } from './terminal.stage.js';

const WARM_UP = 100;
const LARGE = '/tmp/large';
/** Longer than what `kubectl debug` starts speaks. */
const SPOKEN_MS = 2_500;

/** Opens a process by one of the ways that are compared. */
export type Way = (wanted: Wanted) => Promise<OpenProcess>;

/** Without line editing the program answers each letter: what a shell with a prompt does as well. */
export const ECHOING: Wanted = {
  command: ['sh', '-c', 'stty raw -echo; echo ready; exec cat'],
  tty: true,
};
export const READY = 'ready\n';

/**
 * Types one letter after the other, each once the one before has come back, in all terminals in turn, so that whatever
 * else the machine does meets all alike. Gives how long each took, by way.
 */
export async function echoes(
  ways: readonly Way[],
  { count, signal }: { readonly count: number; readonly signal: AbortSignal },
): Promise<number[][]> {
  const opened: OpenProcess[] = [];
  try {
    for (const way of ways) opened.push(await way(ECHOING));
    for (const exec of opened) await exec.untilReceived(READY.length);
    const tookMs = ways.map((): number[] => []);
    for (let turn = -WARM_UP; turn < count; turn++) {
      signal.throwIfAborted();
      for (const [place, exec] of opened.entries()) {
        const fromMs = performance.now();
        const expected = exec.receivedBytes + 1;
        await exec.write('x');
        await exec.untilReceived(expected);
        if (turn >= 0) tookMs[place]?.push(performance.now() - fromMs);
      }
    }
    return tookMs;
  } finally {
    for (const exec of opened) exec.close();
  }
}

/** Makes a file of numbered lines, text as logs are, and gives its size. */
export async function makeOutput(way: Way, lines: number): Promise<number> {
  const exec = await way({ command: ['sh', '-c', `seq 1 ${lines} > ${LARGE}`], tty: false });
  await exec.untilOver();
  let bytes = 0;
  for (let digits = 1, from = 1; from <= lines; digits++, from *= 10) {
    bytes += (Math.min(lines, from * 10 - 1) - from + 1) * (digits + 1);
  }
  return bytes;
}

/** Writes it all out, and gives how many MB arrived in a second. */
export async function output(
  way: Way,
  { bytes, tty }: { readonly bytes: number; readonly tty: boolean },
): Promise<number> {
  // A terminal would put a carriage return before each line's end.
  const command = tty ? ['sh', '-c', `stty -opost; exec cat ${LARGE}`] : ['cat', LARGE];
  const fromMs = performance.now();
  const exec = await way({ command, tty });
  try {
    await exec.untilReceived(bytes);
    return bytes / 1e6 / ((performance.now() - fromMs) / 1_000);
  } finally {
    exec.close();
  }
}

export interface Prompts {
  /** From starting `kubectl debug -it` to its first output. */
  readonly debugMs: number[];
  /** From sending `POST /v1/sessions` to the prompt, and from its answer. */
  readonly askedMs: number[];
  readonly grantedMs: number[];
}

/** `kubectl debug` and a session in turn, each on the Pods from `first` on. */
export async function prompts(
  stage: TerminalStage,
  args: { readonly first: number; readonly count: number; readonly signal: AbortSignal },
): Promise<Prompts> {
  const kubectl = await Kubectl.with(stage.cluster.adminKubeconfig);
  const found: Prompts = { debugMs: [], askedMs: [], grantedMs: [] };
  try {
    for (let turn = -1; turn < args.count; turn++) {
      args.signal.throwIfAborted();
      const place = args.first + ((turn + 1) % 10);
      const debugMs = await timeKubectlDebug(kubectl, `terminal-${place}`);
      // What it started speaks for a while, and would take from the next.
      await after(SPOKEN_MS);
      const session = await prompt(stage, place);
      // The first unpacks kubectl and fills its cache of what the server can do.
      if (turn < 0) continue;
      found.debugMs.push(debugMs);
      found.askedMs.push(session.askedMs);
      found.grantedMs.push(session.grantedMs);
    }
    return found;
  } finally {
    await kubectl.close();
  }
}

async function prompt(stage: TerminalStage, place: number) {
  const fromMs = performance.now();
  const session: RunningSession = await stage.ask(place);
  const answeredMs = performance.now();
  const exec = await stage.brokered(session);
  try {
    await exec.untilReceived(1);
    const toMs = performance.now();
    return { askedMs: toMs - fromMs, grantedMs: toMs - answeredMs };
  } finally {
    exec.close();
    await session.client.act(session.id, 'end');
  }
}
