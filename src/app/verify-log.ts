import type { TreeHead } from '../domain/audit/checkpoint.js';
import { openCheckpoint } from '../domain/audit/checkpoint.js';
import { EventExaminer } from '../domain/audit/event.examiner.js';
import type { Hash } from '../domain/audit/merkle.tree.js';
import { GrowingTree, HASH_BYTES, leafHashOf } from '../domain/audit/merkle.tree.js';
import type { VerifierKey } from '../domain/audit/signed.note.js';
import {
  TILE_HEIGHT,
  TILE_WIDTH,
  bundlesOf,
  tilePath,
  unpackBundle,
} from '../domain/audit/tlog.tiles.js';
import type { SealedRecording } from '../domain/audit/told.recordings.js';
import { ToldRecordings } from '../domain/audit/told.recordings.js';
import { chunkFile, headerFile } from '../domain/evidence/archive.names.js';
import { firstDigest, nextDigest } from '../domain/recording/digest.chain.js';
import type { LogFiles } from './ports/log.files.js';

/** What was found wrong, the first of its kind; with the event's index where it is about one. */
export interface Finding {
  readonly index: number | null;
  readonly what: string;
}

/** What was looked at, and what was found. All is well where `findings` is empty. */
export interface Verification {
  readonly head: TreeHead | null;
  /** The names and ids of the keys that had signed it. */
  readonly keys: readonly string[];
  readonly older: TreeHead | null;
  readonly events: number;
  /** Events whose bodies were dropped at the end of their time: their hashes are in the tree. */
  readonly dropped: number;
  /** Those that are in the files and are what was stored. */
  readonly recordings: number;
  /** Those that are not in them, for they were dropped at the end of their time, as an event says. */
  readonly recordingsDropped: number;
  /** Those that were not looked at, for the log was taken out without recordings. */
  readonly recordingsUnseen: number;
  readonly findings: readonly Finding[];
}

/**
 * Verifies a log that was taken out of a broker, offline: that its checkpoint is signed, that the events are what it is
 * of, that it goes on from an older checkpoint, and that what events say can have happened in that order. Believes none of
 * the files.
 */
export async function verifyLog(args: {
  readonly files: LogFiles;
  readonly verifiers: readonly VerifierKey[];
  /** A checkpoint that was put by before, if there is one. */
  readonly olderNote?: string;
  readonly progress?: (events: number, of: number) => void;
}): Promise<Verification> {
  const { files, verifiers, olderNote } = args;
  const head = openNote(await files.read('checkpoint'), verifiers);
  const older = olderNote === undefined ? null : openCheckpoint(olderNote, verifiers);
  const none = { recordings: 0, recordingsDropped: 0, recordingsUnseen: 0 };
  const nothing = { head: null, keys: [], older: null, events: 0, dropped: 0, ...none };
  if (typeof head === 'string') return { ...nothing, findings: [about(`the checkpoint ${head}`)] };
  if (typeof older === 'string') {
    return { ...nothing, findings: [about(`the older checkpoint ${older}`)] };
  }
  const walk = new LogWalk(files, head, older);
  const { size } = head;
  for (const { index, width } of bundlesOf(size)) {
    await walk.bundle(index, width);
    args.progress?.(Math.min((index + 1) * TILE_WIDTH, size), size);
  }
  const recordings = await walk.recordings();
  return {
    head,
    keys: head.keys.map(({ name, id }) => `${name} (${id})`),
    older,
    events: size - walk.dropped,
    dropped: walk.dropped,
    ...recordings,
    findings: walk.end(),
  };
}

function openNote(note: Buffer | undefined, verifiers: readonly VerifierKey[]) {
  return note === undefined ? 'is missing' : openCheckpoint(note.toString('utf8'), verifiers);
}

function about(what: string, index: number | null = null): Finding {
  return { index, what };
}

/** One pass over all events, a bundle at a time. */
class LogWalk {
  private readonly tree = GrowingTree.empty();
  private readonly examiner = new EventExaminer();
  private readonly told = new ToldRecordings();
  /** The tile above the last bundles. */
  private above: { readonly index: number; readonly tile: Buffer | undefined } | undefined;
  private readonly found = new Map<
    'body' | 'tree' | 'older' | 'event' | 'recording' | 'dropped',
    Finding
  >();

  constructor(
    private readonly files: LogFiles,
    private readonly head: TreeHead,
    private readonly older: TreeHead | null,
  ) {
    if (older && older.origin !== head.origin) {
      this.note('older', `the older checkpoint is of another log, ${older.origin}`);
    } else if (older && older.size > head.size) {
      this.note(
        'older',
        `the older checkpoint is of ${older.size} events, and the log has ${head.size}: its end was cut off`,
      );
    }
    this.compareOlder();
  }

  async bundle(index: number, width: number): Promise<void> {
    const first = index * TILE_WIDTH;
    const packed = await this.files.read(tilePath('entries', index, width));
    const entries = packed && unpackBundle(packed);
    if (entries?.length !== width) {
      const last = first + width - 1;
      this.note(
        'body',
        `the events ${first} to ${last} are ${packed ? 'not whole' : 'missing'}`,
        first,
      );
      return;
    }
    const tile = await this.files.read(tilePath(0, index, width));
    const leaves = entries.map((body, at) => this.leaf(first + at, body, hashAt(tile, at)));
    const roots: Hash[] = [];
    for (const leaf of leaves) {
      this.tree.append(leaf, ({ level }, root) => {
        if (level === TILE_HEIGHT) roots.push(root);
      });
      this.compareOlder();
    }
    for (const root of roots) await this.compareAbove(index, root);
  }

  get dropped(): number {
    return this.examiner.dropped.count;
  }

  /** The hash of a leaf, whatever the tile says; the tile tells which of the two was changed. */
  private leaf(index: number, body: Buffer, told: Hash | undefined): Hash {
    if (body.length === 0 && told) {
      this.examiner.skip(index);
      return told;
    }
    const leaf = leafHashOf(body);
    if (told && !leaf.equals(told)) {
      this.note(
        'body',
        'is not what the tree has a hash of: it was changed, or put in the place of another',
        index,
      );
    }
    this.told.take(body);
    const wrong = this.found.has('event') ? undefined : this.examiner.take(body, index);
    if (wrong !== undefined) this.note('event', wrong, index);
    // The tree is that of the tiles, so that one event which was changed does not hide what else was.
    return told ?? leaf;
  }

  /** @param root that of a bundle with all its entries. */
  private async compareAbove(index: number, root: Hash): Promise<void> {
    if (this.found.has('tree')) return;
    const full = Math.floor(this.head.size / TILE_WIDTH);
    const above = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, full - above * TILE_WIDTH);
    if (this.above?.index !== above) {
      this.above = { index: above, tile: await this.files.read(tilePath(1, above, width)) };
    }
    const told = hashAt(this.above.tile, index % TILE_WIDTH);
    if (told && !told.equals(root)) {
      const first = index * TILE_WIDTH;
      this.note(
        'tree',
        `one of the events ${first} to ${first + TILE_WIDTH - 1} is not what the tree above them is of`,
        first,
      );
    }
  }

  private compareOlder(): void {
    const { older, tree } = this;
    if (older?.size !== tree.size || this.found.has('older')) return;
    if (!tree.root().equals(older.root)) {
      this.note(
        'older',
        `the first ${older.size} events are not those of the older checkpoint: one of them was changed, removed or inserted since`,
      );
    }
  }

  /** Holds the recordings that are in the files to the events of their ends. */
  async recordings(): Promise<
    Pick<Verification, 'recordings' | 'recordingsDropped' | 'recordingsUnseen'>
  > {
    const { sealed } = this.told;
    const counts = { recordings: 0, recordingsDropped: 0, recordingsUnseen: 0 };
    if (!(await this.files.holds('recordings'))) {
      const unseen = sealed.filter((it) => !this.told.isDropped(it)).length;
      return { ...counts, recordingsDropped: sealed.length - unseen, recordingsUnseen: unseen };
    }
    for (const told of sealed) {
      const { recording } = told;
      const chain = await this.chainOf(told);
      if (chain?.toString('hex') === told.digest) counts.recordings += 1;
      else if (chain) {
        this.note('recording', `the recording ${recording} is not what its event says was stored`);
      } else if (this.told.isDropped(told)) counts.recordingsDropped += 1;
      else {
        this.note(
          'recording',
          `the recording ${recording} is missing, and no event says that it was dropped: take the log out with --recordings again`,
        );
      }
    }
    return counts;
  }

  /** @returns where the chain over what is there ends; undefined where it has no header. */
  private async chainOf({ recording, chunks }: SealedRecording): Promise<Buffer | undefined> {
    const header = await this.files.read(headerFile(recording));
    if (header === undefined) return undefined;
    let chain = firstDigest(header.toString('utf8').replace(/\n$/, ''));
    for (let seq = 1; seq <= chunks; seq++) {
      const chunk = await this.files.read(chunkFile(recording, seq));
      if (chunk === undefined) break;
      chain = nextDigest(chain, chunk);
    }
    return chain;
  }

  end(): Finding[] {
    const untold = this.examiner.dropped.firstUntold();
    // Behind an event that is wrong, what others tell was not heard.
    if (untold !== undefined && !this.found.has('event')) {
      this.note('dropped', 'has no body, and no event says that it was dropped', untold);
    }
    const isWhole = this.tree.size === this.head.size;
    if (isWhole && !this.tree.root().equals(this.head.root) && !this.found.has('tree')) {
      const { older } = this;
      const since =
        older && !this.found.has('older') ? `, and the first ${older.size} are as they were` : '';
      this.note(
        'tree',
        `the events are not those of the checkpoint: their tree has another root${since}`,
      );
    }
    return [...this.found.values()].sort((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity));
  }

  private note(
    kind: Parameters<typeof this.found.set>[0],
    what: string,
    index: number | null = null,
  ): void {
    if (!this.found.has(kind)) this.found.set(kind, about(what, index));
  }
}

function hashAt(tile: Buffer | undefined, at: number): Hash | undefined {
  const hash = tile?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  return hash?.length === HASH_BYTES ? hash : undefined;
}
