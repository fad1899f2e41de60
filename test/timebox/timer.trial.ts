import { beforeEach } from 'vitest';
import type { Timer } from '../../src/domain/timebox/timer.js';
import { timerCommand } from '../../src/domain/timebox/timer.js';
import { findShell, SHELLS, type ShellName } from '../support/shells.js';
import type { Ended, Running } from './container.js';
import { Container, statusOf, until } from './container.js';
import type { Image } from './image.js';
import { image, PROGRAMS } from './image.js';
import type { Namespaces, Person } from './namespaces.js';
import { findNamespaces } from './namespaces.js';

/** Everything the trial is repeated for. */
export const CASES = SHELLS.flatMap((shell) =>
  (['root', 'ordinary'] as const).flatMap((person) =>
    (['own', 'shared'] as const).map((pids) => ({ shell, person, pids })),
  ),
);

export const SHARED_CASES = CASES.filter(({ pids }) => pids === 'shared');

/** Those of shells whose `read` has a time limit: their timer needs no child. */
export const STRONG_CASES = CASES.filter(({ shell }) => shell !== 'dash');

const namespaces = findNamespaces();
const shells = new Map(
  await Promise.all(SHELLS.map(async (name) => [name, await findShell(name)] as const)),
);

const told = new Set<string>();

/**
 * Skips the tests of a suite where this machine cannot make a container with these shells. Says why with each test, and
 * once by itself: reporters are brief about what is skipped.
 */
export function skipWhereImpossible(...needed: readonly ShellName[]): void {
  const obstacles = [namespaces, ...needed.map((name) => shells.get(name))]
    .map((found) => (found !== undefined && 'missing' in found ? found.missing : undefined))
    .filter((reason) => reason !== undefined);
  for (const obstacle of obstacles.filter((it) => !told.has(it))) {
    told.add(obstacle);
    console.warn(`Tests of the time-box are skipped: ${obstacle}`);
  }
  beforeEach(({ skip }) => skip(obstacles.length > 0, obstacles.join('; ')));
}

export function shellPath(shell: ShellName): string {
  const found = shells.get(shell);
  if (found === undefined || 'missing' in found) throw new Error(`no ${shell} here`);
  return found.path;
}

function namespacesHere(): Namespaces {
  if ('missing' in namespaces) throw new Error(namespaces.missing);
  return namespaces;
}

/** So long that no test sees its end. */
const LONG_SECONDS = 600;
/** What comes at once comes in a few milliseconds; a machine that is busy with other things takes longer. */
const AT_ONCE_MS = 5_000;

export interface TrialSettings {
  readonly shell: ShellName;
  readonly person: Person;
  readonly pids: 'own' | 'shared';
  readonly durationSeconds?: number;
  /** Seconds from now; in the past where the container starts too late. */
  readonly startInSeconds?: number;
  readonly programs?: Parameters<typeof image>[0]['programs'];
  /** An app that is there already, in place of one of its own. */
  readonly app?: Container;
  /** What the container runs, where that is not the timer of these settings. */
  readonly command?: (timer: Timer) => string[];
}

/** A Pod with a debug container that holds. Ended and removed, whatever happened, at the end of the test's `using`. */
export class Trial implements AsyncDisposable {
  private constructor(
    readonly image: Image,
    readonly app: Container | undefined,
    readonly debug: Container,
    private readonly undo: Undo,
  ) {}

  static async start(settings: TrialSettings): Promise<Trial> {
    const { shell, person, pids, programs = PROGRAMS, command = timerCommand } = settings;
    const undo: Undo = [];
    try {
      const files = await image({ shellPath: shellPath(shell), programs });
      undo.unshift(() => files.remove());
      const common = { namespaces: namespacesHere(), person };
      // The app is the same user as the debug container: nothing but the timer's care protects it.
      let app = pids === 'own' ? undefined : settings.app;
      if (pids === 'shared' && app === undefined) {
        const own = (app = await Container.start({ ...common, command: APP }));
        undo.unshift(() => own.destroy());
        await until('the app runs and waits', () => isWaiting(own));
      }
      const debug = await Container.start({
        ...common,
        command: command({
          shell: files.shell,
          startByEpochSeconds: Math.floor(Date.now() / 1000) + (settings.startInSeconds ?? 60),
          durationSeconds: settings.durationSeconds ?? LONG_SECONDS,
        }),
        env: files.env,
        ...(app === undefined ? {} : { target: app }),
      });
      undo.unshift(() => debug.destroy());
      return new Trial(files, app, debug, undo);
    } catch (error) {
      await undoAll(undo);
      throw error;
    }
  }

  /** Resolves once the timer holds: it has set its traps, of which ignoring HUP is the last but one. */
  async holds(): Promise<void> {
    const { pid, main } = this.debug;
    const early = main.ended.then(({ exitCode, output }) => {
      throw new Error(`the container ended (${exitCode}) before it held: ${output}`);
    });
    await Promise.race([early, until('the timer holds', () => ignoresHangup(pid))]);
  }

  /** Resolves once the user's command has said `here`. */
  async enter(command: readonly string[]): Promise<Running> {
    const user = this.debug.exec(command);
    await until('the user is here', () => user.output.includes('here'));
    return user;
  }

  /** How the container ended; rejects where it does not. */
  async ended(withinMs = AT_ONCE_MS): Promise<Ended> {
    let over: Ended | undefined;
    void this.debug.main.ended.then((ended) => (over = ended));
    await until('the end of the container', () => over !== undefined, withinMs);
    return this.debug.main.ended;
  }

  /** The timer's number inside. */
  get timer(): number {
    const numbers = statusOf(this.debug.pid, 'NSpid')?.split('\t') ?? [];
    return Number(numbers.at(-1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return undoAll(this.undo);
  }
}

type Undo = (() => Promise<void>)[];

async function undoAll(undo: Undo): Promise<void> {
  for (const each of undo) await each();
}

/**
 * An app of four processes: its main process with a child, and another with a child. It ends with its standard input, and
 * with it all of its PID namespace, so that even tests that are killed leave nothing running.
 */
const APP = ['sh', '-c', 'sh -c "sleep 600; :" & sleep 600 & read x'];
const APP_PROCESSES = 4;

function isWaiting(app: Container): boolean {
  const states = app.processes().map((pid) => statusOf(pid, 'State'));
  return states.length === APP_PROCESSES && states.every((state) => state?.startsWith('S'));
}

/**
 * The processes of an app, and how often the kernel has run each: any signal that reaches a process makes it run. Not
 * counted for the main one, which is woken by every orphan of its PID namespace.
 */
export function turnsOf(app: Container | undefined): Readonly<Record<number, string>> {
  const pids = app?.processes() ?? [];
  return Object.fromEntries(
    pids.map((pid) => [
      pid,
      pid === app?.pid
        ? 'runs'
        : `${statusOf(pid, 'voluntary_ctxt_switches')}+${statusOf(pid, 'nonvoluntary_ctxt_switches')}`,
    ]),
  );
}

function ignoresHangup(pid: number): boolean {
  return (BigInt(`0x${statusOf(pid, 'SigIgn') ?? '0'}`) & 1n) === 1n;
}
