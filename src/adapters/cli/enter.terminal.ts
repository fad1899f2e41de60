import { setTimeout as pause } from 'node:timers/promises';
import { AttachedScreen } from './attached.screen.js';
import type { BrokerClient } from './broker.client.js';
import type { Running } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import { EscapeKeys } from './escape.keys.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT, exitOfSignal, SIGNALS } from './exit.codes.js';
import { leaveOrEnd } from './leaving.js';
import { backOffMs, isPassing } from './session.follower.js';
import { TerminalConnection } from './terminal.connection.js';
import type { Outcome } from './terminal.outcome.js';
import { explained, outcomeOf } from './terminal.outcome.js';

/** Without a connection for so long, one gives up. */
const TRIES_MAX = 60;
const CTRL_C = 3;
/** A connection that held for so long was a good one. */
const STEADY_MS = 10_000;

export interface Entering {
  readonly broker: BrokerClient;
  readonly session: string;
  /** None: the profile's shell. */
  readonly command: readonly string[];
}

/** Said once one is back: whether what ran has heard of it is up to the container runtime. */
const BACK =
  'Back in the session: in a new shell, unless tmux or screen keeps the one before. What ran in that has lost its terminal, of which most programs end (SIGHUP); ps shows what does not.';

/**
 * The session in the person's terminal, until the process ends, the session does, or they leave. A shell is entered again
 * where the connection breaks; a command is not, for it would run twice.
 */
export async function enterTerminal(running: Running, to: Entering): Promise<ExitCode> {
  using screen = new AttachedScreen(running.world);
  const keys = new Keyboard(running, screen);
  try {
    let said: string | undefined;
    let wasInside = false;
    for (let tries = 0; ;) {
      const began = Date.now();
      const { outcome, wasOpen } = await once(running, { ...to, screen, keys, wasInside });
      wasInside ||= wasOpen;
      if (wasOpen && Date.now() - began > STEADY_MS) tries = 0;
      if (outcome.kind === 'failed') throw outcome.failure;
      if (outcome.kind === 'done') {
        screen.restore();
        if (outcome.says !== undefined && !keys.hasEnded) screen.notice(outcome.says);
        return keys.ending ?? outcome.exit;
      }
      if (to.command.length > 0 && wasOpen) {
        throw new CommandFailure(
          EXIT.unreachable,
          `${outcome.says} What ran may still run: look with hallpass connect ${to.session}.`,
        );
      }
      if (tries >= TRIES_MAX) throw new CommandFailure(EXIT.unreachable, outcome.says);
      // What it was in the middle of, in the other screen perhaps, is no part of the shell that comes.
      screen.settle();
      // Once for each reason, however often it is tried.
      if (wasOpen || said !== outcome.says) {
        said = outcome.says;
        screen.notice(`${said} The session goes on: coming back to it …`);
      }
      await Promise.race([pause(backOffMs(tries++)), keys.wantsOut]);
    }
  } finally {
    keys.stop();
  }
}

/** One connection, from a new ticket to its end. */
async function once(
  running: Running,
  {
    broker,
    session,
    command,
    screen,
    keys,
    wasInside,
  }: Entering & { screen: AttachedScreen; keys: Keyboard; wasInside: boolean },
): Promise<{ outcome: Outcome; wasOpen: boolean }> {
  const { columns, rows } = screen.size;
  const query = new URLSearchParams({ tty: 'true', columns: `${columns}`, rows: `${rows}` });
  for (const part of command) query.append('command', part);
  const left = { outcome: outcomeOf(session, { kind: 'left' }), wasOpen: false } as const;
  if (keys.ending !== undefined) return left;
  let wasOpen = false;
  screen.raw();
  const opening = TerminalConnection.open(
    broker,
    { session, kind: 'terminal', query, version: running.world.version },
    {
      output: (_, bytes) => screen.show(bytes),
      message: (message) => {
        if (message.type === 'open') {
          wasOpen = true;
          keys.letIn();
          if (wasInside) screen.notice(BACK);
        }
        if (message.type === 'notice') screen.notice(message.text);
        return undefined;
      },
    },
  ).catch(async (error: unknown) => {
    if (isPassing(error)) return { kind: 'again', says: error.message } as const;
    if (error instanceof CommandFailure) return { kind: 'failed', failure: error } as const;
    throw error;
  });
  const connection = await Promise.race([opening, keys.wantsOut]);
  if (connection === undefined) return left;
  if (!(connection instanceof TerminalConnection)) {
    return { outcome: await explained({ broker, session }, connection), wasOpen };
  }
  const resized = running.world.signals.resized(() => connection.resize(screen.size));
  keys.to(connection, { broker, session });
  const end = await connection.ended;
  resized();
  keys.to(undefined);
  return { outcome: await explained({ broker, session }, outcomeOf(session, end)), wasOpen };
}

/** What the person types: for the other side, but for the way out. */
class Keyboard {
  /** What to end with, where the person or a signal wants out. */
  ending: ExitCode | undefined;
  /** Whether the person has ended the session, not only left it. */
  hasEnded = false;
  /** Resolves when somebody wants out. */
  readonly wantsOut: Promise<void>;
  private out: () => void = () => undefined;
  private connection: TerminalConnection | undefined;
  /** Whether there is a process at the other end, which the broker says some time after the connection is made. */
  private isInside = false;
  private at: { broker: BrokerClient; session: string } | undefined;
  private readonly escape = new EscapeKeys();
  private readonly stopListening: () => void;
  private readonly heard = (bytes: Buffer): void => void this.typed(bytes);

  constructor(
    private readonly running: Running,
    private readonly screen: AttachedScreen,
  ) {
    this.wantsOut = new Promise((resolve) => (this.out = resolve));
    this.stopListening = running.world.signals.listen((signal) => this.leave(exitOfSignal(signal)));
    // A question that was asked before has paused it.
    running.world.input.on('data', this.heard).resume();
  }

  to(connection: TerminalConnection | undefined, at?: { broker: BrokerClient; session: string }) {
    this.connection = connection;
    this.at = at ?? this.at;
    if (!connection) this.isInside = false;
  }

  letIn(): void {
    this.isInside = true;
  }

  stop(): void {
    this.stopListening();
    this.running.world.input.off('data', this.heard);
    this.running.world.input.pause();
  }

  private async typed(bytes: Buffer): Promise<void> {
    const { input } = this.running.world;
    const { bytes: kept, wantsOut } = this.escape.take(bytes);
    const { connection } = this;
    // Nobody is there who could be interrupted but us.
    if (!this.isInside && kept.includes(CTRL_C)) return this.leave(exitOfSignal(SIGNALS.interrupt));
    if (connection && kept.length > 0) {
      // A person types slower than this; a paste waits until there is room.
      input.pause();
      await connection.type(kept);
      input.resume();
    }
    if (wantsOut) await this.choose();
  }

  private async choose(): Promise<void> {
    const { input } = this.running.world;
    if (!this.at) return this.leave(EXIT.ok);
    input.off('data', this.heard);
    this.screen.restore();
    this.screen.notice('You left the terminal.');
    const choice = await leaveOrEnd(this.running, this.at);
    this.hasEnded = choice === 'ended';
    if (choice !== 'back') return this.leave(EXIT.ok);
    input.on('data', this.heard);
    input.resume();
    this.screen.raw();
    this.screen.notice('Back in the terminal.');
  }

  private leave(ending: ExitCode): void {
    this.ending = ending;
    this.connection?.leave();
    this.out();
  }
}
