const LENGTH_BYTES = 4;

/** A part of a recording as it is stored, the header first and then each chunk, after its length in four bytes. */
export function packPart(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** What comes ends amid a part. */
export class CutOff extends Error {}

/** Takes parts out of what comes bit by bit, and keeps no more than one. @throws where one is too large; {@link CutOff} */
export async function* unpackParts(
  from: AsyncIterable<Uint8Array>,
  partBytesMax: number,
): AsyncGenerator<Buffer> {
  let bits: Uint8Array[] = [];
  let bytes = 0;
  let wanted = LENGTH_BYTES;
  for await (const bit of from) {
    bits.push(bit);
    bytes += bit.length;
    if (bytes < wanted) continue;
    let held = Buffer.concat(bits);
    while (held.length >= LENGTH_BYTES) {
      const length = held.readUInt32BE();
      if (length > partBytesMax) throw new Error('a part of a recording is too large');
      wanted = LENGTH_BYTES + length;
      if (held.length < wanted) break;
      yield held.subarray(LENGTH_BYTES, wanted);
      held = held.subarray(wanted);
      wanted = LENGTH_BYTES;
    }
    bits = [held];
    bytes = held.length;
  }
  if (bytes > 0) throw new CutOff('a recording was cut off');
}
