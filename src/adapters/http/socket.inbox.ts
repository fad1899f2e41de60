import { CHANNELS } from '../../contract/terminal.schema.js';

interface Input {
  readonly kind: 'input';
  readonly data: Buffer;
}

/** What came from a client, in order. */
export type Incoming =
  | Input
  | { readonly kind: 'close-input' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unknown' };

/** So much each message weighs beside its bytes: a flood of tiny ones fills the inbox too. */
const MESSAGE_BYTES = 128;
/** Tiny messages are handed on together, up to so much. */
const TOGETHER_BYTES_MAX = 65_536;

/** Messages that wait to be taken by whatever runs in the container. */
export class SocketInbox {
  private readonly waiting: Incoming[] = [];
  private held = 0;
  private bell: (() => void) | undefined;
  private closed = false;

  /** @param onSpace called whenever something was taken. */
  constructor(private readonly onSpace: () => void) {}

  /** How much waits, in bytes. */
  get weight(): number {
    return this.held;
  }

  putBytes(data: Buffer): void {
    const rest = data.subarray(1);
    if (data[0] === CHANNELS.stdin) this.put({ kind: 'input', data: rest });
    else if (data[0] === CHANNELS.close && rest.length === 1 && rest[0] === CHANNELS.stdin)
      this.put({ kind: 'close-input' });
    else this.put({ kind: 'unknown' });
  }

  putText(text: string): void {
    this.put({ kind: 'text', text });
  }

  /** Nothing more comes, and what waits is of no use to anybody. */
  close(): void {
    this.closed = true;
    this.waiting.length = 0;
    this.held = 0;
    this.bell?.();
  }

  /** The next of it; undefined when nothing more comes. For one reader. */
  async next(): Promise<Incoming | undefined> {
    while (this.waiting.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => (this.bell = resolve));
    }
    const first = this.take();
    if (first === undefined) return undefined;
    const taken = first.kind === 'input' ? this.together(first) : first;
    this.onSpace();
    return taken;
  }

  private put(incoming: Incoming): void {
    if (this.closed) return;
    this.waiting.push(incoming);
    this.held += weightOf(incoming);
    this.bell?.();
  }

  private take(): Incoming | undefined {
    const first = this.waiting.shift();
    if (first) this.held -= weightOf(first);
    return first;
  }

  private together(first: Input): Input {
    const parts = [first.data];
    let bytes = first.data.length;
    for (let next = this.waiting[0]; next?.kind === 'input'; next = this.waiting[0]) {
      bytes += next.data.length;
      if (bytes > TOGETHER_BYTES_MAX) break;
      parts.push(next.data);
      this.take();
    }
    return parts.length === 1 ? first : { kind: 'input', data: Buffer.concat(parts) };
  }
}

function weightOf(incoming: Incoming): number {
  const bytes =
    incoming.kind === 'input'
      ? incoming.data.length
      : incoming.kind === 'text'
        ? incoming.text.length
        : 0;
  return bytes + MESSAGE_BYTES;
}
