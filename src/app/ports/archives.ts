/** A file that is to be put into an archive. Its parts have `bytes` together. */
export interface ArchiveFile {
  readonly name: string;
  readonly bytes: number;
  readonly parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What an archive has, as it says itself: nothing of it is to be believed. Its parts are read before the next one is. */
export interface ArchiveEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly bytes: number;
  readonly parts: AsyncIterable<Uint8Array>;
}

/** The archive cannot be read on: it was cut off, is none, or is not as one may be. */
export class BrokenArchive extends Error {}

/** Archives as others' tools make and read them. */
export abstract class Archives {
  /** Files in the order in which they are given, all of the same time. Throws where a file has other bytes than it said. */
  abstract pack(files: AsyncIterable<ArchiveFile>, time: Date): AsyncIterable<Uint8Array>;
  /** @throws BrokenArchive */
  abstract unpack(bytes: AsyncIterable<Uint8Array>): AsyncIterable<ArchiveEntry>;
}
