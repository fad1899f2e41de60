import { LogFiles, WritableLogFiles } from '../../src/app/ports/log.files.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import type { Hash } from '../../src/domain/audit/merkle.tree.js';
import { leafHashOf, rootOf } from '../../src/domain/audit/merkle.tree.js';
import type { SignerKey } from '../../src/domain/audit/signed.note.js';
import { packBundle, tilePath } from '../../src/domain/audit/tlog.tiles.js';

/** Files of a log in memory, which tests change as they like. */
export class MemoryLogFiles extends LogFiles {
  readonly files = new Map<string, Buffer>();

  override read(path: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  override holds(folder: string): Promise<boolean> {
    return Promise.resolve([...this.files.keys()].some((path) => path.startsWith(`${folder}/`)));
  }
}

/** Files in memory into which a log is taken out. */
export class MemoryWritableFiles extends WritableLogFiles {
  private readonly files = new Map<string, Buffer>();

  override read(path: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  override holds(folder: string): Promise<boolean> {
    return Promise.resolve([...this.files.keys()].some((path) => path.startsWith(`${folder}/`)));
  }

  override write(path: string, bytes: Buffer): Promise<void> {
    this.files.set(path, bytes);
    return Promise.resolve();
  }
}

/** A whole log of these entries. @param leaves those of other entries, where what is in bundles is not what is hashed. */
export function logFilesOf(args: {
  readonly bodies: readonly Buffer[];
  readonly leaves?: readonly Hash[];
  readonly signer: SignerKey;
}): MemoryLogFiles {
  const { bodies, leaves = bodies.map(leafHashOf), signer } = args;
  const log = new MemoryLogFiles();
  for (let at = 0; at < bodies.length; at += 256) {
    const some = bodies.slice(at, at + 256);
    log.files.set(tilePath('entries', at / 256, some.length), packBundle(some));
  }
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level += 1) {
    const above: Hash[] = [];
    for (let at = 0; at < hashes.length; at += 256) {
      const tile = hashes.slice(at, at + 256);
      log.files.set(tilePath(level, at / 256, tile.length), Buffer.concat(tile));
      if (tile.length === 256) above.push(rootOf(tile));
    }
    hashes = above;
  }
  const head = { origin: signer.verifier.name, size: leaves.length, root: rootOf(leaves) };
  log.files.set('checkpoint', Buffer.from(signCheckpoint(head, [signer])));
  return log;
}
