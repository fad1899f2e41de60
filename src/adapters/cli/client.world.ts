import type { Readable, Writable } from 'node:stream';
import type { ClientEnvironment } from '../../config/client.environment.js';
import type { Screen } from './screen.js';

/** What comes in from a person or a pipe. */
export interface Input extends Readable {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/** What a person or a pipe reads. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What the commands of a client need of the machine that it runs on. */
export interface ClientWorld {
  readonly version: string;
  readonly env: ClientEnvironment;
  readonly screen: Screen;
  readonly input: Input;
  readonly output: Output;
  readonly errors: Output;
  readonly now: () => Date;
  /** The person's time zone, as IANA names it. */
  readonly timeZone: string;
  /** Resolves when the program is asked to end, with the number of the signal. */
  readonly signals: Signals;
  /**
   * After raw mode was set: what is written to the terminal reaches it as it is, line feeds too. What ran remotely has
   * been through a terminal's line discipline already, and full-screen programs count on a bare line feed.
   */
  readonly letThrough: () => void;
  /** Shows a page to the person, where there is a browser. Says nothing where there is none. */
  readonly openPage: (address: string) => void;
  /** Trusts a certificate authority besides the usual ones, for all connections. PEM. */
  readonly trust: (certificates: string) => void;
}

/** Signals as they come. `listen` gives a function that stops listening. */
export interface Signals {
  listen(heard: (signal: number) => void): () => void;
  resized(heard: () => void): () => void;
}

/** Whether somebody can be asked: there is a terminal to read and one to show. */
export function canAsk(world: Pick<ClientWorld, 'input' | 'errors'>, asks: boolean): boolean {
  return asks && world.input.isTTY === true && world.errors.isTTY === true;
}
