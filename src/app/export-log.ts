import type { TreeHead } from '../domain/audit/checkpoint.js';
import { readHead } from '../domain/audit/checkpoint.js';
import { noteText } from '../domain/audit/signed.note.js';
import { TILE_WIDTH, bundlesOf, tilePath, tilesOf } from '../domain/audit/tlog.tiles.js';
import type { WritableLogFiles } from './ports/log.files.js';

/**
 * Takes a log out of a broker: its newest checkpoint, all entries up to it, and the tree. What is there from before is not
 * asked for again, so that taking it out each day costs what the day brought. The checkpoint is written last: what lies
 * under one is whole.
 *
 * @param source reads a path below the log's address; throws where the broker refuses.
 * @returns undefined where nothing was signed yet.
 */
export async function exportLog(args: {
  readonly source: (path: string) => Promise<Buffer | undefined>;
  readonly to: WritableLogFiles;
  readonly progress?: (events: number, of: number) => void;
}): Promise<TreeHead | undefined> {
  const { source, to, progress } = args;
  const note = await source('checkpoint');
  const head = note && readHead(noteText(note.toString('utf8')) ?? '');
  if (note === undefined || head === undefined) return undefined;
  const take = async (path: string): Promise<void> => {
    if ((await to.read(path)) !== undefined) return;
    const bytes = await source(path);
    if (bytes === undefined) throw new Error(`the broker has not ${path} any more: try again`);
    await to.write(path, bytes);
  };
  for (const { level, index, width } of tilesOf(head.size))
    await take(tilePath(level, index, width));
  for (const { index, width } of bundlesOf(head.size)) {
    await take(tilePath('entries', index, width));
    progress?.(index * TILE_WIDTH + width, head.size);
  }
  await to.write('checkpoint', note);
  return head;
}
