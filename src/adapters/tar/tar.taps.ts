import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { extract } from 'tar-stream';
import type { CopyTap } from '../../app/ports/copy.taps.js';
import { CopyTaps } from '../../app/ports/copy.taps.js';
import type { CopiedFile } from '../../domain/recording/recording.js';
import { plainText } from '../../domain/text.js';

/** Longer than any path that Linux takes (PATH_MAX); an archive may claim what it likes. */
const PATH_CHARACTERS_MAX = 4_096;

/** One block of tar (POSIX pax, ustar interchange format). */
const HEADER_BYTES = 512;

/** Reads copies as tar archives, as `kubectl cp` makes them: one file after the other, none of them kept. */
export class TarTaps extends CopyTaps {
  open(direction: CopiedFile['direction'], copied: (file: CopiedFile) => void): CopyTap {
    return new TarTap(direction, copied);
  }
}

class TarTap implements CopyTap {
  broken: string | undefined;
  private bytes = 0;
  private readonly archive = extract();
  private readonly isRead: Promise<void>;

  constructor(
    private readonly direction: CopiedFile['direction'],
    private readonly copied: (file: CopiedFile) => void,
  ) {
    this.archive.on('error', (error: Error) => this.break(error));
    this.isRead = this.read().catch((error: unknown) => this.break(error));
  }

  get hasBegun(): boolean {
    return this.broken === undefined && this.bytes >= HEADER_BYTES;
  }

  async take(data: Uint8Array): Promise<void> {
    if (this.broken !== undefined) return;
    this.bytes += data.length;
    if (!this.archive.write(data)) await this.drained();
    // It is parsed, and what is wrong with it told, in microtasks.
    await new Promise((resolve) => setImmediate(resolve));
  }

  private async drained(): Promise<void> {
    // A broken archive closes, and drains no more.
    const settled = new AbortController();
    const { signal } = settled;
    await Promise.race([
      once(this.archive, 'drain', { signal }),
      once(this.archive, 'close', { signal }),
    ]).catch(() => undefined);
    settled.abort();
  }

  async end(): Promise<void> {
    this.archive.end(undefined);
    await this.isRead;
  }

  private async read(): Promise<void> {
    for await (const entry of this.archive) {
      const { name, type } = entry.header;
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const part of entry as AsyncIterable<Uint8Array>) {
          hash.update(part);
          bytes += part.length;
        }
      } finally {
        // Also what there is of a file that is cut, and whatever else has data, though no archive of kubectl's would.
        if (bytes > 0 || type === 'file' || type === 'contiguous-file') {
          this.copied({
            direction: this.direction,
            path: plainText(name, PATH_CHARACTERS_MAX),
            bytes,
            sha256: hash.digest('hex'),
          });
        }
      }
    }
  }

  private break(error: unknown): void {
    this.broken ??= plainText(error instanceof Error ? error.message : String(error), 200);
  }
}
