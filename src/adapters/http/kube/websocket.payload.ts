/** What a client's WebSocket frames hold, in the order in which it comes (RFC 6455 §5.2). Holds no more than a header. */
export class WebSocketPayload {
  private head = Buffer.alloc(0);
  private left = 0;
  private mask = Buffer.alloc(4);
  private masked = 0;
  private isData = false;

  /** The payload of data frames in the next bytes. @throws Error for a frame that no client may send. */
  see(bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      if (this.left > 0) {
        const part = Buffer.from(bytes.subarray(at, at + this.left));
        at += part.length;
        this.left -= part.length;
        if (!this.isData) continue;
        for (let index = 0; index < part.length; index++) {
          part[index] = (part[index] ?? 0) ^ (this.mask[this.masked++ % 4] ?? 0);
        }
        parts.push(part);
      } else {
        const need = headerBytes(this.head);
        const part = bytes.subarray(at, at + need - this.head.length);
        this.head = Buffer.concat([this.head, part]);
        at += part.length;
        if (this.head.length >= 2 && this.head.length === headerBytes(this.head)) this.begin();
      }
    }
    return Buffer.concat(parts);
  }

  private begin(): void {
    const { head } = this;
    const [first = 0, second = 0] = head;
    if ((second & 0x80) === 0) throw new Error('a client frame without a mask');
    const opcode = first & 0x0f;
    this.isData = opcode <= 2;
    const short = second & 0x7f;
    this.left =
      short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    this.mask = Buffer.from(head.subarray(head.length - 4));
    this.masked = 0;
    this.head = Buffer.alloc(0);
  }
}

/** How long a frame's header is, as far as can be told. */
function headerBytes(head: Buffer): number {
  const second = head[1];
  if (second === undefined) return 2;
  const short = second & 0x7f;
  return 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + ((second & 0x80) === 0 ? 0 : 4);
}
