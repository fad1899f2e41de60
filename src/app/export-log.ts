import type { TreeHead } from '../domain/audit/checkpoint.js';
import { readHead } from '../domain/audit/checkpoint.js';
import { utf8Text } from '../domain/audit/canonical.js';
import { DroppedPlaces } from '../domain/audit/dropped.places.js';
import { noteText } from '../domain/audit/signed.note.js';
import {
  TILE_WIDTH,
  bundlesOf,
  tilePath,
  tilesOf,
  unpackBundle,
} from '../domain/audit/tlog.tiles.js';
import { pause } from './pause.js';
import type { WritableLogFiles } from './ports/log.files.js';

/** An event has its place within a second; where nothing is signed any more it never has. */
const ROUNDS_MAX = 10;
const PAUSE_MS = 500;
const NEVER = new AbortController().signal;
const DROPPED = Buffer.from('"action":"audit.dropped"');

/**
 * Takes a log out of a broker: its newest checkpoint, all entries up to it, and the tree. What is there from before is not
 * asked for again, so that taking it out each day costs what the day brought. The checkpoint is written last: what lies
 * under one is whole. Where bodies are dropped meanwhile, it waits for the checkpoint that has the event of it.
 *
 * @param source reads a path below the log's address; throws where the broker refuses.
 * @returns undefined where nothing was signed yet.
 */
export async function exportLog(args: {
  readonly source: (path: string) => Promise<Buffer | undefined>;
  readonly to: WritableLogFiles;
  readonly progress?: (events: number, of: number) => void;
  /** Between two looks for an event that has no place yet. */
  readonly pauseMs?: number;
}): Promise<TreeHead | undefined> {
  const { to } = args;
  for (let round = 1; ; round++) {
    const taken = await takeOnce(args);
    if (taken === undefined) return undefined;
    if (taken.isTold || round === ROUNDS_MAX) {
      await to.write('checkpoint', taken.note);
      return taken.head;
    }
    await pause(args.pauseMs ?? PAUSE_MS, NEVER);
  }
}

/** What was taken, and whether it tells of all that was dropped: else the event of it comes under a later checkpoint. */
interface Taken {
  readonly note: Buffer;
  readonly head: TreeHead;
  readonly isTold: boolean;
}

async function takeOnce({
  source,
  to,
  progress,
}: Parameters<typeof exportLog>[0]): Promise<Taken | undefined> {
  const note = await source('checkpoint');
  const head = note && readHead(noteText(note.toString('utf8')) ?? '');
  if (note === undefined || head === undefined) return undefined;
  const take = async (path: string): Promise<Buffer> => {
    const before = await to.read(path);
    if (before !== undefined) return before;
    const bytes = await source(path);
    if (bytes === undefined) throw new Error(`the broker has not ${path} any more: try again`);
    await to.write(path, bytes);
    return bytes;
  };
  for (const { level, index, width } of tilesOf(head.size))
    await take(tilePath(level, index, width));
  const drops = new DroppedPlaces();
  for (const { index, width } of bundlesOf(head.size)) {
    const bundle = await take(tilePath('entries', index, width));
    noteDrops(drops, index * TILE_WIDTH, bundle);
    progress?.(index * TILE_WIDTH + width, head.size);
  }
  return { note, head, isTold: drops.firstUntold() === undefined };
}

/** Times are for whoever verifies it: what cannot be believed for them is not to be waited for. */
function noteDrops(drops: DroppedPlaces, first: number, bundle: Buffer): void {
  for (const [at, body] of (unpackBundle(bundle) ?? []).entries()) {
    if (body.length === 0) drops.lacks(first + at);
    else if (body.includes(DROPPED)) drops.hears(parsed(body), first + at);
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(utf8Text(body) ?? '');
  } catch {
    return undefined;
  }
}
