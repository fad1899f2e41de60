import { execFile } from 'node:child_process';
import { closeSync, constants, fchownSync, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type InputSink,
  type ProcessStreams,
  stderrChannel,
  stdoutChannel,
} from './process.streams.js';

let lastPipe = 0;

/**
 * Standard streams as pipes. Node's own `stdio: 'pipe'` makes socket pairs, which cannot be opened again by name:
 * `echo oops > /dev/stderr` would fail in the container. Named pipes can be, and lose their name at once.
 */
export async function openPipes(options: {
  /** An empty folder for the moment in which the pipes have names. */
  folder: string;
  stdin: boolean;
  owner: number | undefined;
}): Promise<ProcessStreams> {
  const { folder, stdin, owner } = options;
  lastPipe += 1;
  const [inPath = '', outPath = '', errPath = ''] = ['in', 'out', 'err'].map((name) =>
    join(folder, `${lastPipe}.${name}`),
  );
  const paths = stdin ? [inPath, outPath, errPath] : [outPath, errPath];
  await promisify(execFile)('mkfifo', ['-m', '600', ...paths], { env: { PATH: safePath } });
  const out = openReadEnd(outPath);
  const err = openReadEnd(errPath);
  const input = stdin ? openWriteEnd(inPath) : undefined;
  const childEnds = [
    input?.readEnd ?? openSync('/dev/null', 'r'),
    out.writeEnd,
    err.writeEnd,
  ] as const;
  for (const path of paths) unlinkSync(path);
  // The process may open /dev/stdout anew, which asks for the rights of its user (runc does the same).
  if (owner !== undefined) {
    for (const fd of stdin ? childEnds : childEnds.slice(1)) fchownSync(fd, owner, -1);
  }
  return {
    childEnds,
    releaseChildEnds: () => childEnds.forEach((fd) => closeSync(fd)),
    input: input && new PipeSink(input.socket),
    outputs: [
      { channel: stdoutChannel, stream: out.socket },
      { channel: stderrChannel, stream: err.socket },
    ],
    resize: () => undefined,
    destroy: () => [out, err, ...(input ? [input] : [])].forEach(({ socket }) => socket.destroy()),
  };
}

const safePath = '/usr/sbin:/usr/bin:/sbin:/bin';

// The order matters: a pipe's write end can only be opened when a reader is there, and this process must never wait.
function openReadEnd(path: string): { socket: Socket; writeEnd: number } {
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  const socket = new Socket({ fd: readEnd, readable: true, writable: false });
  socket.on('error', () => socket.destroy());
  return { socket, writeEnd };
}

function openWriteEnd(path: string): { socket: Socket; readEnd: number } {
  const placeholder = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const readEnd = openSync(path, constants.O_RDONLY);
  closeSync(placeholder);
  const socket = new Socket({ fd: writeEnd, readable: false, writable: true });
  socket.on('error', () => socket.destroy());
  return { socket, readEnd };
}

class PipeSink implements InputSink {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly socket: Socket) {}

  write(chunk: Buffer): Promise<void> {
    this.#last = new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.writableEnded) return resolve();
      const done = (): void => {
        this.socket.off('close', done);
        resolve();
      };
      this.socket.once('close', done);
      this.socket.write(chunk, done);
    });
    return this.#last;
  }

  async end(): Promise<void> {
    // Closing is the only end of file a pipe has, and closing drops what is still queued.
    await this.#last;
    this.socket.destroy();
  }
}
