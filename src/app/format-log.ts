import { readHead } from '../domain/audit/checkpoint.js';
import type { LogFormat } from '../domain/audit/log.formats.js';
import { loggedEvent } from '../domain/audit/logged.event.js';
import { bundlesOf, TILE_WIDTH, tilePath, unpackBundle } from '../domain/audit/tlog.tiles.js';
import type { LogFiles } from './ports/log.files.js';

/** What was told of a log, and of how many events the bodies were dropped: of those there is nothing to tell. */
export interface Formatted {
  readonly events: number;
  readonly dropped: number;
}

/**
 * Tells the events of a log that was taken out in another form, a bundle at a time, in their order. It does not verify:
 * that is done with the log itself.
 *
 * @throws Error where the log is not whole.
 */
export async function formatLog(args: {
  readonly files: LogFiles;
  readonly format: LogFormat;
  readonly write: (text: string) => Promise<void>;
}): Promise<Formatted> {
  const { files, format, write } = args;
  const size = await sizeOf(files);
  let dropped = 0;
  if (format.header !== undefined) await write(`${format.header}${format.end}`);
  for (const { index, width } of bundlesOf(size)) {
    const bodies = await bundleOf(files, tilePath('entries', index, width), width);
    const lines = bodies.flatMap((body, at) =>
      body.length === 0
        ? []
        : [`${format.line(loggedEvent(index * TILE_WIDTH + at, body))}${format.end}`],
    );
    dropped += bodies.length - lines.length;
    await write(lines.join(''));
  }
  return { events: size - dropped, dropped };
}

async function sizeOf(files: LogFiles): Promise<number> {
  const note = (await files.read('checkpoint'))?.toString('utf8') ?? '';
  const head = readHead(note.slice(0, note.lastIndexOf('\n\n') + 1));
  if (head === undefined) throw new Error('there is no checkpoint');
  return head.size;
}

async function bundleOf(files: LogFiles, path: string, width: number): Promise<Buffer[]> {
  const bundle = await files.read(path);
  const bodies = bundle && unpackBundle(bundle);
  if (bodies?.length !== width) throw new Error(`${path} is missing, or has not ${width} events`);
  return bodies;
}
