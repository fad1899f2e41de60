import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { CopiedFile } from '../../domain/recording/recording.js';
import { TarTaps } from './tar.taps.js';

async function archiveOf(files: readonly { name: string; data: Buffer }[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, data } of files) archive.entry({ name }, data);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** The type flags of ustar headers. */
const TYPE_FLAGS = { link: '1', symlink: '2', 'character-device': '3', fifo: '6' } as const;

/** Makes the archive's first entry one of another type. */
function retype(archive: Buffer, flag: string): void {
  archive.write(flag, 156);
  archive.fill(' ', 148, 156);
  const sum = archive.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

/** What a tap tells of these bytes, given to it in parts of these sizes. */
async function tapped(bytes: Buffer, sizes: readonly number[] = [bytes.length]) {
  const files: CopiedFile[] = [];
  const tap = new TarTaps().open('upload', (file) => files.push(file));
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    await tap.take(bytes.subarray(at, at + size));
    at += size;
  }
  await tap.end();
  return { files, broken: tap.broken };
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

describe('a copy that is read along', () => {
  it('tells name, size and digest of each file, however it comes in parts', async () => {
    const file = fc.record({
      name: fc.stringMatching(/^[a-z]{1,20}(\/[a-zé]{1,90}){0,3}$/),
      data: fc.uint8Array({ maxLength: 3_000 }).map((data) => Buffer.from(data)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 5 }),
        async (files, sizes) => {
          expect(await tapped(await archiveOf(files), sizes)).toEqual({
            broken: undefined,
            files: files.map(({ name, data }) => ({
              direction: 'upload',
              path: name,
              bytes: data.length,
              sha256: sha256(data),
            })),
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('that is cut in its middle tells what there was of the file', async () => {
    const data = randomBytes(5_000);
    const archive = await archiveOf([{ name: 'heap.hprof', data }]);
    const passed = data.subarray(0, 3_000 - 512);
    expect(await tapped(archive.subarray(0, 3_000), [1_000])).toEqual({
      broken: 'Unexpected end of data',
      files: [
        {
          direction: 'upload',
          path: 'heap.hprof',
          bytes: passed.length,
          sha256: sha256(passed),
        },
      ],
    });
  });

  it.each(['link', 'symlink', 'fifo', 'character-device'] as const)(
    'tells what a %s carries, too, though none of kubectl’s would',
    async (type) => {
      const data = Buffer.from('not a file, they say');
      const archive = await archiveOf([{ name: 'l', data }]);
      retype(archive, TYPE_FLAGS[type]);
      expect((await tapped(archive)).files).toMatchObject([
        { path: 'l', bytes: data.length, sha256: sha256(data) },
      ]);
    },
  );

  it('of a file of many megabytes keeps none of it', async () => {
    const data = randomBytes(1_000_000);
    const files = Array.from({ length: 30 }, () => ({ name: 'heap.hprof', data }));
    const archive = await archiveOf(files);
    const before = process.memoryUsage().arrayBuffers;
    const { files: told } = await tapped(archive, [64 * 1024]);
    expect(told).toHaveLength(30);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  it.each([
    [
      'that is cut in its middle',
      async () => (await archiveOf([{ name: 'a', data: randomBytes(5_000) }])).subarray(0, 3_000),
    ],
    ['that is no archive at all', () => Promise.resolve(randomBytes(100_000))],
    ['that is shorter than any archive', () => Promise.resolve(Buffer.from('not found'))],
    [
      'that goes on as something else',
      async () => Buffer.concat([await archiveOf([]), randomBytes(70_000)]),
    ],
  ])('%s is called broken, and everything is taken all the same', async (_, make) => {
    const { broken } = await tapped(await make(), [1_000]);
    expect(broken).toEqual(expect.any(String));
  });
});
