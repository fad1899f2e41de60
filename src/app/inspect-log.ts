import { utf8Text } from '../domain/audit/canonical.js';
import { DroppedPlaces } from '../domain/audit/dropped.places.js';
import { eventFacts } from '../domain/audit/event.facts.js';
import { GrowingTree, leafHashOf } from '../domain/audit/merkle.tree.js';
import type { Hash } from '../domain/audit/merkle.tree.js';
import { TILE_HEIGHT, TILE_WIDTH } from '../domain/audit/tlog.tiles.js';
import { pause } from './pause.js';
import type { Journal } from './ports/journal.js';
import type { InspectedEntry, LogInspection, Misfiled } from './ports/log.inspection.js';
import type { LogStore, SignedHead } from './ports/log.store.js';
import type { SequenceLog } from './sequence-log.js';

/** As many events as four tiles have: a round takes a few milliseconds of the database. */
const SLICE = 4 * TILE_WIDTH;
const ROUND_MS = 1_000;
/** After a whole pass, and after an error. */
const REST_MS = 60_000;

/**
 * Walks the whole log in small slices, again and again: that each place holds the event whose hash is signed, that the
 * event's row says what its body says, that what has no body was told to be dropped, that the tree above is of these
 * leaves, and that no event is outside of the log.
 * The first that is not parts the log, and is named.
 */
export class InspectLog {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private inspected = 0;
  private passes = 0;
  private misfiled = 0;
  private readonly told = new Set<number>();

  constructor(
    private readonly deps: {
      readonly store: LogStore;
      readonly inspection: LogInspection;
      readonly sequence: Pick<SequenceLog, 'part' | 'parted'>;
      readonly journal: Journal;
      /** Told of what a search does not find as it is, the first time it is come upon; the log is not parted for it. */
      readonly onMisfiled: (misfiled: MisfiledEvent) => void;
      /** Whether all that had its place before was made findable: until then nothing is missing yet. */
      readonly isFiled: () => boolean;
      /** How long it waits between two slices. */
      readonly roundMs?: number;
    },
  ) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** What this replica has looked at since it started. */
  counts(): { readonly events: number; readonly passes: number; readonly misfiled: number } {
    return { events: this.inspected, passes: this.passes, misfiled: this.misfiled };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !this.deps.sequence.parted()) {
      try {
        await this.once();
      } catch (error) {
        this.deps.journal.warn({ err: error }, 'the audit log cannot be inspected now');
      }
      await pause(REST_MS, signal);
    }
  }

  /** One pass. @returns what is wrong, and parts the log; undefined where nothing is, or it was stopped on the way. */
  async once(): Promise<string | undefined> {
    const wrong = (await this.places()) ?? (await this.outside());
    if (wrong !== undefined) this.deps.sequence.part(wrong);
    else if (!this.stopping.signal.aborted) this.passes += 1;
    return wrong;
  }

  /** From the first place to the newest head. */
  private async places(): Promise<string | undefined> {
    const { latest, places } = await this.deps.store.newest();
    const size = latest?.size ?? 0;
    if (places > size) return `the places ${size} to ${places - 1} were given by nobody who signs`;
    const tree = GrowingTree.empty();
    const drops = new DroppedPlaces();
    while (tree.size < size) {
      const wrong = await this.slice(tree, drops, Math.min(SLICE, size - tree.size));
      if (wrong !== undefined) return wrong;
      await pause(this.deps.roundMs ?? ROUND_MS, this.stopping.signal);
      if (this.stopping.signal.aborted) return undefined;
    }
    return (latest && rootDiffers(latest, tree)) ?? (await this.untold(drops, size));
  }

  private async slice(
    tree: GrowingTree,
    drops: DroppedPlaces,
    count: number,
  ): Promise<string | undefined> {
    const begin = tree.size;
    const entries = await this.deps.inspection.entries(begin, count);
    const nodes: Node[] = [];
    let wrong: string | undefined;
    for (let at = 0; at < count && wrong === undefined; at++) {
      const entry = entries[at];
      wrong = wrongAt(begin + at, entry);
      if (entry === undefined || wrong !== undefined) break;
      take(drops, entry);
      tree.append(entry.leafHash, ({ level, index }, hash) => {
        if (level % TILE_HEIGHT === 0) nodes.push({ level: level / TILE_HEIGHT, index, hash });
      });
    }
    this.inspected += tree.size - begin;
    // What lies before an event that is wrong is told first: it may have been moved there.
    wrong = (await this.treeAbove(nodes)) ?? wrong;
    if (wrong === undefined) await this.findable(entries);
    return wrong;
  }

  /** That each is found by what it says and when: what proves nothing can be made again, and is told of. */
  private async findable(entries: readonly InspectedEntry[]): Promise<void> {
    const { inspection, isFiled, journal, onMisfiled } = this.deps;
    if (!isFiled()) return;
    const placed = entries.flatMap(({ index, event }) =>
      event?.body ? [{ index, facts: eventFacts(event.body) }] : [],
    );
    const begin = entries[0]?.index ?? 0;
    const pastTime = await inspection.pastTime(begin, entries.length);
    for (const it of [...(await inspection.misfiled(placed)), ...pastTime]) {
      if (this.told.has(it.index) || this.told.size >= TOLD_MAX) continue;
      this.told.add(it.index);
      this.misfiled += 1;
      const eventId = entries.find(({ index }) => index === it.index)?.eventId ?? '';
      const misfiled = { ...it, eventId };
      journal.error(misfiled, 'an event of the audit log is not found by what it says');
      onMisfiled(misfiled);
    }
    if (pastTime.length > 0) await inspection.widen(begin, entries.length);
    await inspection.file(placed);
  }

  /** What has no body, and no event says why. */
  private async untold(drops: DroppedPlaces, size: number): Promise<string | undefined> {
    const { inspection } = this.deps;
    if (drops.count === 0) return undefined;
    for (const { leafHash, body } of await inspection.droppedSince(size)) {
      // Whichever place it has or gets, it is none of those that were walked.
      if (leafHashOf(body).equals(leafHash)) drops.hears(saidBy(body), size);
    }
    const place = drops.firstUntold();
    if (place === undefined) return undefined;
    const [entry] = await inspection.entries(place, 1);
    return `the event ${entry?.eventId ?? ''} at place ${place} has no body, and no event says that it was dropped`;
  }

  private async treeAbove(nodes: readonly Node[]): Promise<string | undefined> {
    const stored = await this.deps.inspection.nodes(nodes);
    const differs = nodes.findIndex(({ hash }, at) => stored[at]?.equals(hash) !== true);
    const node = nodes[differs];
    if (node === undefined) return undefined;
    const width = TILE_WIDTH ** node.level;
    const first = node.index * width;
    return `the tree is not of the events at places ${first} to ${first + width - 1}: ${stored[differs] ? 'one of them is in the place of another, or the tree was rewritten' : 'its hash of them was removed'}`;
  }

  /** Events that nobody who reads the log would see. */
  private async outside(): Promise<string | undefined> {
    let after: string | undefined;
    for (;;) {
      const { last, unplaced } = await this.deps.inspection.unplaced(after, SLICE);
      if (unplaced[0] !== undefined) {
        return `the event ${unplaced[0]} has no place in the log and waits for none: it was inserted past the log, or its place was removed`;
      }
      if (last === undefined || this.stopping.signal.aborted) return undefined;
      after = last;
      await pause(this.deps.roundMs ?? ROUND_MS, this.stopping.signal);
    }
  }
}

/** An event that a search does not find by what it says. */
export interface MisfiledEvent extends Misfiled {
  readonly eventId: string;
}

/** So many are told of by a replica: where there are more, somebody looks anyway. */
const TOLD_MAX = 100;

/** A hash of a tile of level 1 or above. */
interface Node {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/**
 * Of an entry that is not wrong. Times are for whoever verifies the log: the clock of a replica that was wrong for once, long
 * ago, parts nothing.
 */
function take(drops: DroppedPlaces, { index, event }: InspectedEntry): void {
  if (event === null) return;
  if (event.body === null) drops.lacks(index);
  else if (event.action === 'audit.dropped') drops.hears(saidBy(event.body), index);
}

function wrongAt(place: number, entry: InspectedEntry | undefined): string | undefined {
  if (entry?.index !== place) {
    return `the place ${place} of the log is empty: its event was removed from it`;
  }
  const wrong = wrongWith(entry);
  return wrong && `the event ${entry.eventId} at place ${place} ${wrong}`;
}

function wrongWith({ event, leafHash, eventId }: InspectedEntry): string | undefined {
  if (event === null) return 'was deleted';
  const { body } = event;
  if (!event.leafHash.equals(leafHash)) return 'has another hash than its place';
  if (body === null) return undefined;
  if (!leafHashOf(body).equals(leafHash)) {
    return 'has another body than the one that was hashed: it was changed, or put in the place of another';
  }
  const said = saidBy(body);
  if (said === undefined) return 'has a body that is no event';
  const row: Record<keyof Said, unknown> = {
    id: eventId,
    action: event.action,
    session: event.sessionId ?? undefined,
    time: event.at.toISOString(),
  };
  const column = (['id', 'action', 'session', 'time'] as const).find((it) => said[it] !== row[it]);
  return column && `has another ${column} in its row than in its body`;
}

/** What rows repeat of bodies, so that it can be looked for. */
interface Said {
  readonly id?: unknown;
  readonly action?: unknown;
  readonly session?: unknown;
  readonly time?: unknown;
}

/** Bodies with a right hash are as they were written. */
function saidBy(body: Buffer): Said | undefined {
  try {
    const value: unknown = JSON.parse(utf8Text(body) ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function rootDiffers({ size, root }: SignedHead, tree: GrowingTree): string | undefined {
  return tree.root().equals(root)
    ? undefined
    : `the newest checkpoint, of ${size} events, has another root than these events`;
}
