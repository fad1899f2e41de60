import { createHash } from 'node:crypto';
import { castFile, chunkFile, headerFile } from '../domain/evidence/archive.names.js';
import { firstDigest, nextDigest } from '../domain/recording/digest.chain.js';
import type { ArchiveFile } from './ports/archives.js';
import type { RecordingInfo, RecordingStore } from './ports/recording.store.js';

const CHUNKS_AT_ONCE = 8;

/** The files of a recording with their digests, before any of them is given: they are read again when they are. */
export interface RecordedFiles {
  /** SHA-256 (hex) by name. */
  readonly sums: ReadonlyMap<string, string>;
  readonly files: () => AsyncIterable<ArchiveFile>;
}

/** Recordings as files of an archive: the chunks as they are stored, whose chain the audit log has, and the whole as asciicast. */
export class EvidenceRecordings {
  constructor(
    private readonly deps: {
      readonly recordings: RecordingStore;
      readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
    },
  ) {}

  /** @returns undefined where what is stored is not what its digests say. */
  async files(info: RecordingInfo): Promise<RecordedFiles | undefined> {
    const header = Buffer.from(`${info.header}\n`);
    const sums = new Map([[headerFile(info.id), sha256(header)]]);
    const sizes: number[] = [];
    const cast = createHash('sha256').update(header);
    let castBytes = header.length;
    let chain = firstDigest(info.header);
    try {
      for await (const { seq, bytes } of this.chunks(info)) {
        chain = nextDigest(chain, bytes);
        sums.set(chunkFile(info.id, seq), sha256(bytes));
        sizes.push(bytes.length);
        const lines = await this.deps.decompress(bytes).catch((cause: unknown) => {
          throw new MissingChunk(`chunk ${seq} of ${info.id} is no gzip`, { cause });
        });
        cast.update(lines);
        castBytes += lines.length;
      }
    } catch (error) {
      if (error instanceof MissingChunk) return undefined;
      throw error;
    }
    if (!chain.equals(info.digest)) return undefined;
    sums.set(castFile(info.id), cast.digest('hex'));
    return { sums, files: () => this.given(info, { header, sizes, castBytes }) };
  }

  private async *given(
    info: RecordingInfo,
    { header, sizes, castBytes }: { header: Buffer; sizes: readonly number[]; castBytes: number },
  ): AsyncGenerator<ArchiveFile> {
    yield { name: headerFile(info.id), bytes: header.length, parts: [header] };
    for await (const { seq, bytes } of this.chunks(info)) {
      yield { name: chunkFile(info.id, seq), bytes: sizes[seq - 1] ?? -1, parts: [bytes] };
    }
    yield { name: castFile(info.id), bytes: castBytes, parts: this.cast(info, header) };
  }

  private async *cast(info: RecordingInfo, header: Buffer): AsyncGenerator<Uint8Array> {
    yield header;
    for await (const { bytes } of this.chunks(info)) yield await this.deps.decompress(bytes);
  }

  /** As many as there were, without gaps. @throws MissingChunk */
  private async *chunks({ id, chunks: count }: RecordingInfo) {
    let after = 0;
    while (after < count) {
      const chunks = await this.deps.recordings.chunks(id, after, CHUNKS_AT_ONCE);
      if (chunks.length === 0) throw new MissingChunk(`chunk ${after + 1} of ${id} is not there`);
      for (const chunk of chunks) {
        if (chunk.seq !== after + 1) throw new MissingChunk(`chunk ${after + 1} of ${id} is lost`);
        if (chunk.seq > count) return;
        yield chunk;
        after = chunk.seq;
      }
    }
  }
}

/** What was stored is not there any more. */
class MissingChunk extends Error {}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
