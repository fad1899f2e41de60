import { readHead } from '../domain/audit/checkpoint.js';
import { noteText } from '../domain/audit/signed.note.js';
import { bundlesOf, tilePath, unpackBundle } from '../domain/audit/tlog.tiles.js';
import { ToldRecordings } from '../domain/audit/told.recordings.js';
import {
  ARCHIVE_BOUNDS,
  RECORDINGS_README,
  chunkFile,
  headerFile,
} from '../domain/evidence/archive.names.js';
import { unpackParts } from '../domain/recording/stored.form.js';
import type { WritableLogFiles } from './ports/log.files.js';

const README = `Recordings that the events of this log tell the end of, as they are stored. Whichever of them is not here was dropped, as
an event says, or is missing: so say "hallpass audit verify" and whoever else looks.
`;

/** What became of the recordings that a log tells of. */
export interface TakenRecordings {
  /** Those that are in the files now, whole or as the broker gave them. */
  readonly taken: number;
  /** Those that were dropped at the end of their time, as an event says. */
  readonly dropped: number;
  /** Those that the broker does not give, though no event that was taken out says that they were dropped. */
  readonly absent: readonly string[];
}

/**
 * Takes out the recordings that the events of a log tell the end of, as they are stored: in the form whose digest these
 * events have. One that is there from before is not asked for again; its header is written last, so that one which broke
 * off counts as not there. What is given is not believed: verifying is for later, and for others.
 *
 * @param source gives a recording in its stored form; undefined where the broker has none of that id.
 */
export async function exportRecordings(args: {
  readonly source: (recording: string) => Promise<AsyncIterable<Uint8Array> | undefined>;
  readonly files: WritableLogFiles;
  readonly progress?: (recordings: number, of: number) => void;
}): Promise<TakenRecordings> {
  const { source, files, progress } = args;
  const told = await toldIn(files);
  const wanted = told.sealed.filter((it) => !told.isDropped(it));
  // Even where there is none: what is missing among them is told from what was never taken out.
  await files.write(RECORDINGS_README, Buffer.from(README));
  const absent: string[] = [];
  for (const [at, { recording }] of wanted.entries()) {
    if ((await files.read(headerFile(recording))) === undefined) {
      const parts = await source(recording);
      if (parts) await write(files, recording, parts);
      else absent.push(recording);
    }
    progress?.(at + 1, wanted.length);
  }
  const dropped = told.sealed.length - wanted.length;
  return { taken: wanted.length - absent.length, dropped, absent };
}

async function toldIn(files: WritableLogFiles): Promise<ToldRecordings> {
  const told = new ToldRecordings();
  const note = await files.read('checkpoint');
  const { size } = readHead(noteText(note?.toString('utf8') ?? '') ?? '') ?? { size: 0 };
  for (const { index, width } of bundlesOf(size)) {
    const bundle = await files.read(tilePath('entries', index, width));
    for (const body of (bundle && unpackBundle(bundle)) ?? []) told.take(body);
  }
  return told;
}

async function write(
  files: WritableLogFiles,
  recording: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  let header: Buffer | undefined;
  let seq = 0;
  for await (const part of unpackParts(parts, ARCHIVE_BOUNDS.chunkBytes)) {
    if (header === undefined) header = Buffer.from(part);
    else await files.write(chunkFile(recording, ++seq), part);
  }
  if (header === undefined)
    throw new Error(`the broker gave nothing of the recording ${recording}`);
  await files.write(headerFile(recording), header);
}
