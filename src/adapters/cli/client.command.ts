import type { Command } from 'commander';
import { Option } from 'commander';
import { stringify } from 'yaml';
import type { AccessOptions } from './broker.access.js';
import { BrokerAccess } from './broker.access.js';
import type { BrokerClient } from './broker.client.js';
import type { ClientWorld } from './client.world.js';
import { canAsk } from './client.world.js';
import { EXIT } from './exit.codes.js';
import type { ExitCode } from './exit.codes.js';
import type { Moment } from './person.time.js';
import type { Line } from './styled.text.js';
import { lineText } from './styled.text.js';

export const FORMATS = ['text', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** The options that all commands have which speak to a broker. */
export interface ClientOptions extends AccessOptions {
  readonly output: Format;
  /** False with `--no-input`: nobody is asked anything. */
  readonly input: boolean;
}

export type Done = (code: ExitCode) => void;

/** A command while it runs. */
export class Running {
  private opened: Promise<BrokerAccess> | undefined;

  constructor(
    readonly world: ClientWorld,
    readonly options: ClientOptions,
  ) {}

  get moment(): Moment {
    return { now: this.world.now(), timeZone: this.world.timeZone };
  }

  /** Whether the person can be asked. */
  get asks(): boolean {
    return canAsk(this.world, this.options.input);
  }

  access(): Promise<BrokerAccess> {
    this.opened ??= BrokerAccess.of(this.world, this.options);
    return this.opened;
  }

  async broker(): Promise<BrokerClient> {
    return (await this.access()).client();
  }

  /** Lines for people, or for programs what the broker answered. */
  async show(raw: unknown, lines: () => readonly Line[]): Promise<void> {
    const { output } = this.options;
    if (output === 'json') await this.world.screen.out(`${JSON.stringify(raw, null, 2)}\n`);
    else if (output === 'yaml') await this.world.screen.out(stringify(raw));
    else await this.say(...lines());
  }

  say(...lines: readonly Line[]): Promise<void> {
    return this.world.screen.out(
      lines.map((line) => `${lineText(line, this.world.output)}\n`).join(''),
    );
  }

  /** Beside the results: what happens, what to do. */
  tell(...lines: readonly Line[]): void {
    for (const line of lines) this.world.screen.err(`${lineText(line, this.world.errors)}\n`);
  }
}

/** Gives a command the options of every client. */
export function clientCommand(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(FORMATS)
        .default('text'),
    )
    .option('--no-input', 'ask nothing: fail where something is missing')
    .option('--server <url>', 'the broker (default: HALLPASS_SERVER, or where you signed in last)')
    .option('--token-file <file>', 'a file with an access token (default: HALLPASS_TOKEN_FILE)')
    .option('--ca-file <file>', 'a certificate authority to trust besides the usual ones, in PEM');
}

/** What a command does: its exit code, or nothing for 0. */
export type Act<O extends ClientOptions, A extends unknown[]> = (
  running: Running & { readonly options: O },
  ...args: A
) => Promise<ExitCode | undefined>;

/** Binds what a command does to its arguments as commander gives them: the arguments, the options, the command. */
export function acting<O extends ClientOptions, A extends unknown[]>(
  deps: { readonly world: () => ClientWorld; readonly done: Done },
  act: Act<O, A>,
): (...given: [...A, O, Command]) => Promise<void> {
  return async (...given) => {
    const options = given.at(-2) as O;
    const args = given.slice(0, -2) as A;
    const running = new Running(deps.world(), options) as Running & { readonly options: O };
    deps.done((await act(running, ...args)) ?? EXIT.ok);
  };
}

/** What groups of commands are made with. */
export interface CommandDeps {
  readonly world: () => ClientWorld;
  readonly done: Done;
  /** What follows `--`: a command that is to run in a session. */
  readonly after: readonly string[];
}
