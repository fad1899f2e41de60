import { createHash } from 'node:crypto';
import type { Hash as Hasher } from 'node:crypto';
import type { ArchiveName } from '../domain/evidence/archive.names.js';
import { ARCHIVE_BOUNDS, readArchiveName } from '../domain/evidence/archive.names.js';
import { nextDigest } from '../domain/recording/digest.chain.js';
import type { ArchiveEntry } from './ports/archives.js';
import { BrokenArchive } from './ports/archives.js';

/** A recording as far as an archive has it. */
export interface ReadRecording {
  readonly chunks: number;
  /** The chain's digest over its header and its chunks; undefined without a header. */
  readonly chain: Buffer | undefined;
  /** SHA-256 (hex) of what the header and the chunks hold together, and of the file for players. */
  readonly unpacked: string;
  readonly cast: string | undefined;
}

/** An archive that was read, once and in its order. Nothing of it was believed, and nothing written anywhere. */
export class EvidenceReader {
  /** What is read whole, by name. */
  readonly files = new Map<string, Buffer>();
  readonly names = new Map<string, ArchiveName>();
  /** SHA-256 (hex) of each file. */
  readonly sums = new Map<string, string>();
  private readonly recordings = new Map<string, Growing>();
  private filesBytes = 0;
  private bytes = 0;
  private entries = 0;

  constructor(
    private readonly decompress: (bytes: Uint8Array) => Promise<Buffer>,
    /** Told of what no archive of ours has. */
    private readonly wrong: (file: string | null, what: string) => void,
  ) {}

  async read(
    archive: AsyncIterable<ArchiveEntry>,
    progress?: (files: number) => void,
  ): Promise<void> {
    try {
      for await (const entry of archive) {
        this.entries += 1;
        if (this.entries > ARCHIVE_BOUNDS.entries) {
          throw new BrokenArchive(`has more than ${ARCHIVE_BOUNDS.entries} files`);
        }
        await this.take(entry);
        progress?.(this.entries);
      }
    } catch (error) {
      if (!(error instanceof BrokenArchive)) throw error;
      this.wrong(null, `the archive ${error.message}`);
    }
  }

  recording(id: string): ReadRecording | undefined {
    const found = this.recordings.get(id);
    return (
      found && {
        chunks: found.chunks,
        chain: found.chain,
        unpacked: found.unpacked.copy().digest('hex'),
        cast: found.cast,
      }
    );
  }

  private async take({ name: told, isFile, bytes, parts }: ArchiveEntry): Promise<void> {
    const name = told.slice(0, ARCHIVE_BOUNDS.nameCharacters);
    const known = readArchiveName(told);
    if (!isFile) this.wrong(name, 'is no plain file: no archive of evidence has such a thing');
    else if (known === undefined) this.wrong(name, 'is no file of an archive of evidence');
    else if (this.names.has(name)) this.wrong(name, 'is in the archive more than once');
    else {
      this.names.set(name, known);
      await this.known(name, known, { bytes, parts });
      return;
    }
    for await (const part of parts) this.count(part.length);
  }

  private async known(
    name: string,
    known: ArchiveName,
    { bytes, parts }: Pick<ArchiveEntry, 'bytes' | 'parts'>,
  ): Promise<void> {
    const isCast = known.kind === 'cast';
    const max = known.kind === 'chunk' ? ARCHIVE_BOUNDS.chunkBytes : ARCHIVE_BOUNDS.fileBytes;
    if (!isCast && bytes > max) throw new BrokenArchive(`has a file ${name} that is too large`);
    const hash = createHash('sha256');
    const kept: Uint8Array[] = [];
    for await (const part of parts) {
      this.count(part.length);
      hash.update(part);
      if (!isCast) kept.push(part);
    }
    const sum = hash.digest('hex');
    this.sums.set(name, sum);
    const whole = Buffer.concat(kept);
    if (known.kind === 'header') this.header(name, known.recording, whole);
    else if (known.kind === 'chunk') await this.chunk(name, known, whole);
    else if (known.kind === 'cast') this.growing(known.recording).cast = sum;
    else this.keep(name, whole);
  }

  private keep(name: string, whole: Buffer): void {
    this.filesBytes += whole.length;
    if (this.filesBytes > ARCHIVE_BOUNDS.filesBytes) {
      throw new BrokenArchive('has more text than is read');
    }
    this.files.set(name, whole);
  }

  private header(name: string, recording: string, bytes: Buffer): void {
    const growing = this.growing(recording);
    if (growing.chunks > 0) this.wrong(name, 'comes after chunks of its recording');
    growing.chain = createHash('sha256').update(bytes).digest();
    growing.unpacked.update(bytes);
  }

  private async chunk(
    name: string,
    { recording, seq }: { readonly recording: string; readonly seq: number },
    bytes: Buffer,
  ): Promise<void> {
    const growing = this.growing(recording);
    if (seq !== growing.chunks + 1 || growing.chain === undefined) {
      this.wrong(name, `is chunk ${seq}, and ${growing.chunks + 1} would be next`);
      return;
    }
    growing.chunks = seq;
    growing.chain = nextDigest(growing.chain, bytes);
    const lines = await this.decompress(bytes).catch(() => undefined);
    if (lines === undefined) {
      this.wrong(name, 'cannot be unpacked, or becomes too large');
      return;
    }
    this.count(lines.length);
    growing.unpacked.update(lines);
  }

  private growing(recording: string): Growing {
    const found = this.recordings.get(recording);
    if (found) return found;
    const begun: Growing = {
      chunks: 0,
      chain: undefined,
      unpacked: createHash('sha256'),
      cast: undefined,
    };
    this.recordings.set(recording, begun);
    return begun;
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > ARCHIVE_BOUNDS.bytes) throw new BrokenArchive('unpacks to more than is read');
  }
}

interface Growing {
  chunks: number;
  chain: Buffer | undefined;
  readonly unpacked: Hasher;
  cast: string | undefined;
}
