import { setTimeout as after } from 'node:timers/promises';
import { ApiRefusal } from '../sandbox/broker/api.client.js';
import { ClosedError } from './brokered.exec.js';
import type { OpenProcess } from './open.process.js';
import { ECHOING, READY } from './terminal.measures.js';
import type { Usage } from './terminal.programs.js';
import type { TerminalStage } from './terminal.stage.js';

const OPENING_AT_ONCE = 8;
/** What is typed at once, and comes back, in a busy terminal. */
const TYPED = 'x'.repeat(200);
const TYPE_EVERY_MS = 500;
const SETTLE_MS = 2_000;
const WARM_UP = 30;
const BUSY_MS = 1_000;

/** What so many open terminals took of the broker, each in a session of its own. */
export interface Load {
  readonly terminals: number;
  /** Their memory beyond what the broker took before there was any, for each of them. */
  readonly heapKb: number;
  readonly rssKb: number;
  /** After they were busy. */
  readonly busyHeapKb: number;
  readonly busyRssKb: number;
  /** Processor time of the broker for each of them, in milliseconds of a second. */
  readonly idleCpuMs: number;
  readonly busyCpuMs: number;
  /** How much of what was typed came back: 1 is all. */
  readonly echoed: number;
}

/** Opens more and more terminals, and looks at the broker at each of these numbers, idle and busy. */
export async function manyTerminals(
  stage: TerminalStage,
  args: {
    readonly first: number;
    readonly sizes: readonly number[];
    readonly watchMs: number;
    readonly signal: AbortSignal;
    readonly say: (what: string) => void;
  },
): Promise<{ readonly loads: Load[]; readonly leftKb: number }> {
  const { first, sizes, watchMs, signal, say } = args;
  const opened: OpenProcess[] = [];
  const loads: Load[] = [];
  try {
    // What is made once, or grows with the first few, is not theirs.
    await warmUp(stage, first);
    opened.push(await open(stage, first));
    await after(SETTLE_MS);
    const before = await stage.usage();
    for (const size of sizes) {
      say(`${size} terminals`);
      await openUntil(stage, opened, { first, size: size + 1, signal });
      await after(SETTLE_MS);
      const load = await look(stage, opened, { before, watchMs });
      loads.push(load);
      say(
        `${size} terminals, each ${load.heapKb.toFixed()} kB of heap, ${load.rssKb.toFixed()} kB of RSS`,
      );
      signal.throwIfAborted();
    }
    for (const exec of opened.slice(1)) exec.close();
    await after(2 * SETTLE_MS);
    const left = await stage.usage();
    return { loads, leftKb: kb(heapOf(left) - heapOf(before)) };
  } finally {
    for (const exec of opened) exec.close();
  }
}

/** Opens and leaves some, and types into them. */
async function warmUp(stage: TerminalStage, place: number): Promise<void> {
  const session = await stage.running(place);
  for (let turn = 0; turn < WARM_UP; turn++) {
    const exec = await stage.brokered(session, ECHOING);
    await exec.untilReceived(READY.length);
    await exec.write(TYPED);
    await exec.untilReceived(READY.length + TYPED.length);
    exec.close();
  }
  await stage.quiet();
}

async function open(stage: TerminalStage, place: number): Promise<OpenProcess> {
  const session = await patiently(() => stage.ask(place));
  const exec = await patiently(() => stage.brokered(session, ECHOING));
  await exec.untilReceived(READY.length);
  return exec;
}

/** A stand-in that starts hundreds of containers on a busy machine may not answer, or have one ready, in time. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (let triesLeft = 60; ; triesLeft--) {
    try {
      return await act();
    } catch (error) {
      const isBusy =
        (error instanceof ApiRefusal && error.answer.status === 503) ||
        (error instanceof ClosedError && error.code === 4503);
      if (!isBusy || triesLeft === 0) throw error;
      await after(BUSY_MS);
    }
  }
}

async function openUntil(
  stage: TerminalStage,
  opened: OpenProcess[],
  { first, size, signal }: { first: number; size: number; signal: AbortSignal },
): Promise<void> {
  let next = opened.length;
  const openers = Array.from({ length: OPENING_AT_ONCE }, async () => {
    while (next < size) {
      signal.throwIfAborted();
      opened.push(await open(stage, first + next++));
    }
  });
  const failed = (await Promise.allSettled(openers)).find((it) => it.status === 'rejected');
  if (failed) throw failed.reason;
}

async function look(
  stage: TerminalStage,
  opened: readonly OpenProcess[],
  { before, watchMs }: { before: Usage; watchMs: number },
): Promise<Load> {
  const terminals = opened.length - 1;
  const each = (bytes: number) => kb(bytes / terminals);
  const idleFrom = await stage.usage();
  const idleMs = await cpuOf(stage, () => after(watchMs));
  const received = () => opened.reduce((sum, exec) => sum + exec.receivedBytes, 0);
  const receivedFrom = received();
  let typed = 0;
  const busyMs = await cpuOf(stage, async () => {
    typed = await typeInto(opened, watchMs);
  });
  const echoed = (received() - receivedFrom) / typed;
  const busyTo = await stage.usage();
  return {
    terminals,
    heapKb: each(heapOf(idleFrom) - heapOf(before)),
    rssKb: each(idleFrom.rssBytes - before.rssBytes),
    busyHeapKb: each(heapOf(busyTo) - heapOf(before)),
    busyRssKb: each(busyTo.rssBytes - before.rssBytes),
    idleCpuMs: idleMs / terminals,
    busyCpuMs: busyMs / terminals,
    echoed,
  };
}

/** Milliseconds of processor time that the broker took in a second of `act`. */
async function cpuOf(stage: TerminalStage, act: () => Promise<unknown>): Promise<number> {
  const fromCpuMs = await stage.cpuMs();
  const fromMs = performance.now();
  await act();
  const tookMs = performance.now() - fromMs;
  return ((await stage.cpuMs()) - fromCpuMs) / (tookMs / 1_000);
}

/** Types into all, spread over time as people are. Gives how many bytes were typed. */
async function typeInto(opened: readonly OpenProcess[], forMs: number): Promise<number> {
  const turns = Math.max(1, Math.floor(forMs / TYPE_EVERY_MS));
  await Promise.all(
    opened.map(async (exec, place) => {
      await after((place / opened.length) * TYPE_EVERY_MS);
      for (let turn = 0; turn < turns; turn++) {
        void exec.write(TYPED);
        await after(TYPE_EVERY_MS);
      }
    }),
  );
  return turns * opened.length * TYPED.length;
}

function heapOf({ heapBytes, externalBytes }: Usage): number {
  return heapBytes + externalBytes;
}

function kb(bytes: number): number {
  return bytes / 1_000;
}
