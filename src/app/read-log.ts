import { auditEntry } from '../domain/audit/entry.js';
import type { LogProof } from '../domain/audit/tlog.proof.js';
import { writeProof } from '../domain/audit/tlog.proof.js';
import { inclusionRanges } from '../domain/audit/merkle.tree.js';
import type { SignerKey } from '../domain/audit/signed.note.js';
import { TILE_WIDTH, packBundle, readTilePath, tilePath } from '../domain/audit/tlog.tiles.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import { hashesOf } from './log.hashes.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';
import type { LogStore, SignedHead } from './ports/log.store.js';

/**
 * The audit log as others' tools read it (c2sp.org/tlog-tiles): what was signed, the tree in tiles, entries in bundles, and
 * the proof of one entry. Nothing here is trusted by whoever checks it.
 */
export class ReadLog {
  constructor(
    private readonly deps: {
      readonly store: LogStore;
      readonly audit: AuditLog;
      readonly clock: Clock;
      readonly origin: string;
      readonly signers: readonly SignerKey[];
      /** Told of each checkpoint before it is given to anybody. */
      readonly onHead?: (head: SignedHead) => void;
    },
  ) {}

  /** The newest checkpoint: a signed note. */
  async checkpoint(): Promise<string | Problem> {
    const head = await this.deps.store.head(this.deps.origin);
    if (head) this.deps.onHead?.(head);
    return head?.note ?? problem('not-found', 'Nothing has been signed yet.');
  }

  /** The keys that sign, for verifiers: `name+keyID+base64`. */
  keys(): { readonly origin: string; readonly keys: readonly string[] } {
    const { origin, signers } = this.deps;
    return { origin, keys: signers.map(({ verifier }) => verifier.text) };
  }

  /** What lies at a path of c2sp.org/tlog-tiles: a tile's hashes one after the other, a bundle's entries each after its length. */
  async file(caller: Caller, path: string): Promise<Buffer | Problem> {
    const tile = readTilePath(path);
    if (tile === undefined) {
      return problem(
        'not-found',
        `There is no such tile: one is at ${tilePath(0, 1, TILE_WIDTH)}.`,
      );
    }
    const { level, index, width } = tile;
    return level === 'entries' ? this.bundle(caller, index, width) : this.tile(level, index, width);
  }

  private async tile(level: number, index: number, width: number): Promise<Buffer | Problem> {
    if (!(await this.has(level, index, width))) return noSuchTile();
    const [hashes] = await this.deps.store.tiles([{ level, index, width }]);
    return hashes ?? noSuchTile();
  }

  /** The reading is written before anything is shown. */
  private async bundle(caller: Caller, index: number, width: number): Promise<Buffer | Problem> {
    if (!(await this.has(0, index, width))) return noSuchTile();
    const from = index * TILE_WIDTH;
    await this.deps.audit.append(
      auditEntry({
        at: this.deps.clock.now(),
        action: 'audit.read',
        outcome: 'success',
        actor: caller.actor,
        data: { from, count: width },
      }),
    );
    const entries = await this.deps.store.entries(from, width);
    return packBundle(entries.map(({ body }) => body));
  }

  /** The proof of an event, under the newest checkpoint. */
  async proof(eventId: string): Promise<string | Problem> {
    const { store, origin } = this.deps;
    const place = await store.placeOf(eventId);
    const head = await store.head(origin);
    if (place === undefined || head === undefined || place.index >= head.size) {
      return problem(
        'not-found',
        'There is no such event with a place in the log: one that was just written has its place within a second.',
      );
    }
    const { index } = place;
    const { size } = head;
    const hashes = await hashesOf(inclusionRanges(index, size), size, (ids) => store.tiles(ids));
    const proof: LogProof = { index, hashes, checkpoint: head.note };
    return writeProof(proof);
  }

  /** Whether the tree that was signed has so many hashes there. */
  private async has(level: number, index: number, width: number): Promise<boolean> {
    const head = await this.deps.store.head(this.deps.origin);
    const hashes = Math.floor((head?.size ?? 0) / TILE_WIDTH ** level);
    return index * TILE_WIDTH + width <= hashes;
  }
}

function noSuchTile(): Problem {
  return problem('not-found', 'The tree that was signed last has no such tile.');
}
