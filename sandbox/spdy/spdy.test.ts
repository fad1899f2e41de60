import { Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderReader, HeaderWriter } from './header.blocks.js';
import { headerDictionary } from './header.dictionary.js';
import {
  controlFrame,
  controls,
  dataHead,
  numbers,
  type RawFrame,
  readFrames,
  streamOf,
} from './spdy.frames.js';
import { serveSpdy, type SpdyStream } from './spdy.server.js';

/** Bytes cut into pieces of these lengths, over and over. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const length = lengths[piece % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function framesOf(source: AsyncIterable<unknown> | Iterable<unknown>): Promise<RawFrame[]> {
  const frames: RawFrame[] = [];
  for await (const frame of readFrames(Duplex.from(source))) frames.push(frame);
  return frames;
}

describe('SPDY', () => {
  it('has the dictionary that zlib knows by its checksum', () => {
    let [a, b] = [1, 0];
    for (const byte of headerDictionary) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    // What every SPDY/3 header block begins with: 78 bb, then this.
    expect(((b << 16) | a) >>> 0).toBe(0xe3_c6_a7_c2);
  });

  it('frames are the same however their bytes were cut', async () => {
    const frame = fc.record({ stream: fc.nat(), isLast: fc.boolean(), payload: fc.uint8Array() });
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(frame), lengths, async (frames, pieces) => {
        const bytes = frames.flatMap(({ stream, isLast, payload }) => [
          dataHead(stream, payload.length, { isLast }),
          payload,
        ]);
        expect(await framesOf(cut(Buffer.concat(bytes), pieces))).toEqual(
          frames.map(({ payload, ...rest }) => ({
            kind: 'data',
            ...rest,
            payload: Buffer.from(payload),
          })),
        );
      }),
    );
  });

  it('headers are the same after they were packed, block after block', async () => {
    const [writer, reader] = [new HeaderWriter(), new HeaderReader()];
    const names = fc.stringMatching(/^[a-z][a-z-]*$/);
    const blocks = fc.array(fc.dictionary(names, fc.string(), { noNullPrototype: true }));
    await fc.assert(
      fc.asyncProperty(blocks, async (all) => {
        for (const headers of all) {
          expect(await reader.read(await writer.write(headers))).toEqual(headers);
        }
      }),
    );
    reader.close();
    writer.close();
  });
});

describe('a SPDY connection', () => {
  const open = async (writer: HeaderWriter, id: number, headers: Record<string, string>) =>
    controlFrame(
      controls.openStream,
      Buffer.concat([numbers(id, 0), Buffer.alloc(2), await writer.write(headers)]),
    );

  it('replies to a stream before it writes on it, and echoes pings', async () => {
    const [client, server] = duplexPair();
    const over = serveSpdy(server, (stream: SpdyStream) => ({
      data: (chunk) => stream.write(chunk),
      end: () => stream.end(),
      reset: () => undefined,
    }));
    const writer = new HeaderWriter();
    client.write(await open(writer, 1, { streamtype: 'data' }));
    client.write(Buffer.concat([dataHead(1, 2, { isLast: true }), Buffer.from('hi')]));
    client.end(controlFrame(controls.ping, numbers(7)));
    const frames = await framesOf(client);
    expect(frames.map((frame) => (frame.kind === 'data' ? 'data' : frame.type))).toEqual([
      controls.replyToStream,
      'data',
      'data',
      controls.ping,
    ]);
    expect(frames[1]).toMatchObject({ stream: 1, isLast: false, payload: Buffer.from('hi') });
    expect(frames[2]).toMatchObject({ stream: 1, isLast: true });
    await over;
  });

  it('resets a stream that is refused, and serves the next', async () => {
    const [client, server] = duplexPair();
    const seen: unknown[] = [];
    const over = serveSpdy(server, ({ headers }) => {
      seen.push(headers);
      if (headers['port'] === undefined) return undefined;
      return { data: () => undefined, end: () => undefined, reset: () => seen.push('reset') };
    });
    const writer = new HeaderWriter();
    client.write(await open(writer, 1, {}));
    client.end(await open(writer, 3, { port: '80' }));
    const frames = await framesOf(client);
    expect(frames.map((f) => f.kind === 'control' && [f.type, streamOf(f.payload)])).toEqual([
      [controls.resetStream, 1],
      [controls.replyToStream, 3],
    ]);
    await over;
    expect(seen).toEqual([{}, { port: '80' }, 'reset']);
  });

  it.each([
    ['no SPDY', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.replace('G', '\x80'), 'latin1')],
    ['a header block that is none', controlFrame(controls.openStream, Buffer.alloc(40, 7))],
    ['a frame that is cut off', controlFrame(controls.ping, numbers(1)).subarray(0, 9)],
  ])('that brings %s is over', async (_, bytes) => {
    const [client, server] = duplexPair();
    client.end(bytes);
    client.resume();
    await serveSpdy(server, () => undefined);
    expect(server.destroyed).toBe(true);
  });
});
