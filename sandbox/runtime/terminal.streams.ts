import { closeSync, constants, fchownSync, openSync, write } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { z } from 'zod';
import { type InputSink, type ProcessStreams, stdoutChannel } from './process.streams.js';

/**
 * The native half of node-pty. Its own `spawn` is not used: it makes the outermost process, which is outside of the
 * container, the terminal's session leader (no job control inside), destroys what is unread 200 ms after the exit, and
 * queues input without bound.
 */
interface NativeTerminals {
  open: (columns: number, rows: number) => unknown;
  resize: (fd: number, columns: number, rows: number) => void;
}

const Loader = z.object({
  requireBinary: z.custom<(file: string) => NativeTerminals>((it) => typeof it === 'function'),
});
const Opened = z.object({ master: z.number().int(), slave: z.number().int(), pty: z.string() });

let loaded: NativeTerminals | undefined;

/** Loaded when first needed: a machine without the prebuilt binary can still run containers without terminals. */
function native(): NativeTerminals {
  const load: unknown = createRequire(import.meta.url)('@lydell/node-pty/requireBinary.js');
  return (loaded ??= Loader.parse(load).requireBinary('pty.node'));
}

/** A terminal that is nobody's controlling terminal yet: the container's process takes it with `setsid --ctty`. */
export function openTerminal(owner: number | undefined): ProcessStreams {
  const { open, resize } = native();
  // 0 x 0 until the client tells, as in a cluster. Both ends come non-blocking, which no program expects of its terminal.
  const { master: fd, slave, pty } = Opened.parse(open(0, 0));
  const childEnd = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
  closeSync(slave);
  if (owner !== undefined) fchownSync(childEnd, owner, -1);
  const stream = new ReadStream(fd);
  // EIO: the last process that had the terminal open is gone.
  stream.on('error', () => stream.destroy());
  const input = new TerminalSink(fd);
  stream.on('close', () => input.close());
  return {
    childEnds: [childEnd, childEnd, childEnd],
    releaseChildEnds: () => closeSync(childEnd),
    input,
    outputs: [{ channel: stdoutChannel, stream }],
    resize: (columns, rows) => {
      if (!stream.destroyed) resize(fd, columns, rows);
    },
    destroy: () => {
      input.close();
      stream.destroy();
    },
  };
}

class TerminalSink implements InputSink {
  #closed = false;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly fd: number) {}

  close(): void {
    this.#closed = true;
  }

  write(chunk: Buffer): Promise<void> {
    return (this.#last = this.#last.then(() => this.#writeAll(chunk)));
  }

  async end(): Promise<void> {
    // Nothing: the exec of a terminal goes on when its client's input ends.
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    let rest = chunk;
    let pauseMs = 1;
    while (rest.length > 0 && !this.#closed) {
      const taken = await this.#writeSome(rest);
      rest = rest.subarray(taken);
      // The terminal's input buffer is full: the process does not read at the moment.
      if (taken === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = taken === 0 ? Math.min(pauseMs * 2, 50) : 1;
    }
  }

  #writeSome(chunk: Buffer): Promise<number> {
    return new Promise((resolve) => {
      write(this.fd, chunk, 0, Math.min(chunk.length, 4096), null, (error, taken) => {
        if (error !== null && error.code !== 'EAGAIN') this.#closed = true;
        resolve(error === null ? taken : 0);
      });
    });
  }
}
