import { createDeflate, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SPDY_DICTIONARY } from './spdy.dictionary.js';
import { SpdyPorts } from './spdy.ports.js';
import { WebSocketPayload } from './websocket.payload.js';

/** A SPDY/3.1 client as kubectl is one: one compression for all headers of a connection. */
class SpdyClient {
  private readonly deflate = createDeflate({ dictionary: SPDY_DICTIONARY });

  /** The frame that opens a stream with these headers. */
  async open(id: number, headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const block = await this.compressed(headers);
    const fixed = Buffer.alloc(10);
    fixed.writeUInt32BE(id);
    return control(1, Buffer.concat([fixed, block]));
  }

  private async compressed(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const entries = Object.entries(headers);
    const number = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    const plain = Buffer.concat([
      number(entries.length),
      ...entries.flat().flatMap((text) => [number(text.length), Buffer.from(text)]),
    ]);
    this.deflate.write(plain);
    await new Promise<void>((resolve) => {
      this.deflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
    });
    const read: unknown = this.deflate.read();
    return Buffer.isBuffer(read) ? read : Buffer.alloc(0);
  }
}

function control(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

function data(id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

const headersOf = (port: number, streamtype: string) => ({
  port: String(port),
  streamtype,
  requestid: '0',
});

/** What kubectl sends for one connection to each port: two streams, and some bytes. */
async function conversation(ports: readonly number[]): Promise<Buffer> {
  const client = new SpdyClient();
  const frames: Buffer[] = [];
  for (const [at, port] of ports.entries()) {
    frames.push(await client.open(4 * at + 1, headersOf(port, 'error')));
    frames.push(await client.open(4 * at + 3, headersOf(port, 'data')));
    frames.push(data(4 * at + 3, Buffer.alloc(port % 300, 0x80)));
    frames.push(control(6, Buffer.alloc(4)));
  }
  return Buffer.concat(frames);
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** One frame with a mask, as clients send them. */
function webSocketFrame(payload: Buffer, mask: Buffer, opcode = 2): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.of(0x80 | opcode, 0x80 | length)
      : Buffer.of(0x80 | opcode, 0x80 | 126, length >> 8, length & 0xff);
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, mask, masked]);
}

const port = fc.integer({ min: 1, max: 65_535 });
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

describe('the ports of a port-forward', () => {
  test('are read off the streams that the client opens, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(port, { maxLength: 5 }), sizes, async (ports, sizesOfParts) => {
        const seer = new SpdyPorts();
        const seen: number[] = [];
        for (const part of cut(await conversation(ports), sizesOfParts)) {
          seen.push(...(await seer.see(part)));
        }
        seer.close();
        expect(seen).toEqual(ports.flatMap((one) => [one, one]));
        const sent = ports.reduce((sum, one) => sum + (one % 300), 0);
        expect(seer.dataBytes, 'what goes to the ports, and nothing else').toBe(sent);
      }),
      { numRuns: 50 },
    );
  });

  test('are read inside a WebSocket, past its pings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(port, { maxLength: 4 }), sizes, async (ports, sizesOfParts) => {
        const mask = Buffer.of(1, 2, 3, 250);
        const frames = cut(await conversation(ports), [200, 7]).flatMap((part) => [
          webSocketFrame(part, mask),
          webSocketFrame(Buffer.from('ping'), mask, 9),
        ]);
        const seer = new SpdyPorts();
        const payload = new WebSocketPayload();
        const seen: number[] = [];
        for (const part of cut(Buffer.concat(frames), sizesOfParts)) {
          seen.push(...(await seer.see(payload.see(part))));
        }
        seer.close();
        expect(seen).toEqual(ports.flatMap((one) => [one, one]));
      }),
      { numRuns: 50 },
    );
  });

  test('a stream to no port is not let through', async () => {
    const frame = await new SpdyClient().open(1, { streamtype: 'data' });
    await expect(new SpdyPorts().see(frame)).rejects.toThrow('no port');
  });

  test('headers that are not compressed as SPDY says are not let through', async () => {
    const frame = control(1, Buffer.alloc(60, 0xff));
    await expect(new SpdyPorts().see(frame)).rejects.toThrow();
  });

  test('a control frame larger than any client’s is not let through', async () => {
    const head = control(1, Buffer.alloc(70_000)).subarray(0, 8);
    await expect(new SpdyPorts().see(head)).rejects.toThrow('70000 bytes');
  });

  test('headers that are small only while compressed are not let through', async () => {
    const frame = await new SpdyClient().open(1, { port: '80', pad: 'x'.repeat(5_000_000) });
    expect(frame.length).toBeLessThan(10_000);
    await expect(new SpdyPorts().see(frame)).rejects.toThrow(/headers of \d+ bytes/);
  });

  test('a frame without a mask is no client’s', () => {
    expect(() => new WebSocketPayload().see(Buffer.of(0x82, 1, 2))).toThrow('without a mask');
  });
});
