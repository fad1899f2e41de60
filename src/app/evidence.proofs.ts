import { inclusionRanges } from '../domain/audit/merkle.tree.js';
import { writeProof } from '../domain/audit/tlog.proof.js';
import { hashesOf } from './log.hashes.js';
import type { LogStore, SignedHead } from './ports/log.store.js';

/** Of eight kilobytes each. */
const TILES_MAX = 1_000;

/** Proofs under one checkpoint. Tiles that were read are kept for the next, which is most often near. */
export class EvidenceProofs {
  private readonly kept = new Map<string, Buffer>();

  constructor(
    private readonly log: LogStore,
    private readonly head: SignedHead,
  ) {}

  async of(index: number): Promise<string> {
    const { size, note } = this.head;
    const hashes = await hashesOf(inclusionRanges(index, size), size, (ids) => this.tiles(ids));
    return writeProof({ index, hashes, checkpoint: note });
  }

  private async tiles(ids: Parameters<LogStore['tiles']>[0]): Promise<Buffer[]> {
    const keyed = ids.map((id) => ({ id, key: `${id.level}/${id.index}/${id.width}` }));
    const missing = keyed.filter(({ key }) => !this.kept.has(key));
    const wanted = new Map(
      keyed.flatMap(({ key }) => {
        const tile = this.kept.get(key);
        return tile ? [[key, tile] as const] : [];
      }),
    );
    const read = await this.log.tiles(missing.map(({ id }) => id));
    if (this.kept.size > TILES_MAX) this.kept.clear();
    missing.forEach(({ key }, at) => {
      const tile = read[at] ?? Buffer.alloc(0);
      this.kept.set(key, tile);
      wanted.set(key, tile);
    });
    return keyed.map(({ key }) => wanted.get(key) ?? Buffer.alloc(0));
  }
}
