import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import type { ArchiveEntry, ArchiveFile } from '../../app/ports/archives.js';
import { Archives, BrokenArchive } from '../../app/ports/archives.js';

/** One block of tar (POSIX pax, ustar interchange format). */
const BLOCK_BYTES = 512;
/** How much may come that is of no file: headers that go on and on are held in memory. */
const HEADERS_BYTES_MAX = 4 * 1024 * 1024;
const MODE = 0o600;

/** Archives as `tar` with gzip makes and reads them. */
export class TarArchives extends Archives {
  override async *pack(files: AsyncIterable<ArchiveFile>, time: Date): AsyncGenerator<Uint8Array> {
    const archive = pack();
    const zipped = createGzip();
    const writing = fill(archive, files, new Date(Math.floor(time.getTime() / 1000) * 1000));
    const piping = pipeline(archive, zipped);
    // Whichever breaks, who reads is told by the stream.
    const done = Promise.all([writing, piping]).catch((error: unknown) => {
      zipped.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    try {
      for await (const part of zipped as AsyncIterable<Uint8Array>) yield part;
    } finally {
      archive.destroy();
      await done;
    }
  }

  override async *unpack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
    const archive = extract();
    const gunzip = createGunzip();
    const known = { bytes: 0 };
    const taken = { bytes: 0 };
    const piping = pipeline(
      Readable.from(counted(bytes, taken)),
      gunzip,
      (parts: AsyncIterable<Buffer>) => within(parts, known),
      archive,
    ).catch((error: unknown) => {
      archive.destroy(broken(error));
    });
    try {
      for await (const entry of archive) {
        const { name, type, size } = entry.header;
        known.bytes += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
        yield {
          name,
          isFile: type === 'file' || type === 'contiguous-file',
          bytes: size,
          parts: unbroken(entry as AsyncIterable<Uint8Array>),
        };
        entry.resume();
      }
    } catch (error) {
      throw broken(error);
    } finally {
      archive.destroy();
      await piping;
    }
    if (gunzip.bytesWritten !== taken.bytes) {
      throw new BrokenArchive(`has ${taken.bytes - gunzip.bytesWritten} bytes after its end`);
    }
  }
}

async function fill(archive: Pack, files: AsyncIterable<ArchiveFile>, mtime: Date): Promise<void> {
  for await (const { name, bytes, parts } of files) {
    const entry = archive.entry({ name, size: bytes, mtime, mode: MODE });
    const written = new Promise<void>((resolve, reject) => {
      entry.once('finish', resolve).once('error', reject).once('close', resolve);
    });
    written.catch(() => undefined);
    for await (const part of parts) {
      // Nobody reads it any more: nothing more is fetched for them.
      if (archive.destroyed) return;
      if (!entry.write(part)) await Promise.race([once(entry, 'drain'), written]);
    }
    entry.end(undefined);
    await written;
  }
  archive.finalize();
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  taken: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    taken.bytes += part.length;
    yield part;
  }
}

/** The same, as long as not too much of it is of no file that is known. */
async function* within(
  parts: AsyncIterable<Buffer>,
  known: { readonly bytes: number },
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (bytes - known.bytes > HEADERS_BYTES_MAX) {
      throw new BrokenArchive('has headers that are too large');
    }
    yield part;
  }
}

/** The same, whose errors are told as those of the archive. */
async function* unbroken(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of parts) yield part;
  } catch (error) {
    throw broken(error);
  }
}

function broken(error: unknown): BrokenArchive {
  if (error instanceof BrokenArchive) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new BrokenArchive(`cannot be read to its end (${said})`, { cause: error });
}
