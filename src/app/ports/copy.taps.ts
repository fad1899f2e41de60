import type { CopiedFile } from '../../domain/recording/recording.js';

/** Reads along with one copy. It never changes, delays or breaks what is copied, but for slowing it to its own pace. */
export interface CopyTap {
  /** Takes a part of the archive, which it keeps no longer than until this resolves; `broken` is of this part, too, then. */
  take(data: Uint8Array): Promise<void>;
  /** Nothing more will come. Resolves when all that was in it was told. */
  end(): Promise<void>;
  /** Whether it has begun as an archive does: less than a header says nothing yet. */
  readonly hasBegun: boolean;
  /** Why the stream cannot be read as an archive from here on; undefined while it can. */
  readonly broken: string | undefined;
}

/** Reads along with copies, which are tar archives, and tells of the files in them. */
export abstract class CopyTaps {
  abstract open(direction: 'upload' | 'download', copied: (file: CopiedFile) => void): CopyTap;
}
