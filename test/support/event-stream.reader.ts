/** One event of a stream, as a client reads it (WHATWG HTML §9.2.6). */
export interface ReadEvent {
  readonly type: string;
  readonly id?: string;
  readonly data: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** A client of one stream of events. */
export class EventStreamReader {
  private readonly comments: string[] = [];
  private readonly events: ReadEvent[] = [];
  retry: string | undefined;
  private text = '';
  private readonly decoder = new TextDecoder();

  private constructor(
    readonly response: Response,
    private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
    private readonly abort: AbortController,
  ) {}

  static async open(url: string, headers: Record<string, string>): Promise<EventStreamReader> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    return new EventStreamReader(response, response.body?.getReader(), abort);
  }

  /** The next event; undefined at the end of the stream. Waits 10 seconds at most. */
  async next(): Promise<ReadEvent | undefined> {
    while (this.events.length === 0 && (await this.more()));
    return this.events.shift();
  }

  /** The next comment. */
  async comment(): Promise<string | undefined> {
    while (this.comments.length === 0 && (await this.more()));
    return this.comments.shift();
  }

  /** All events to the end of the stream. */
  async rest(): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  /** Leaves, as a client that goes away does. */
  leave(): void {
    this.abort.abort();
  }

  /** Reads on; false at the end. */
  private async more(): Promise<boolean> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the stream is silent')), 10_000).unref();
    });
    const chunk = await Promise.race([this.reader?.read(), late]);
    if (!chunk || chunk.done) return false;
    this.text += this.decoder.decode(chunk.value, { stream: true });
    const blocks = this.text.split('\n\n');
    this.text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = this.parse(block);
      if (event) this.events.push(event);
    }
    return true;
  }

  private parse(block: string): ReadEvent | undefined {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) this.comments.push(line.slice(1).trim());
      const [name = '', ...value] = line.split(': ');
      if (name !== '') fields.set(name, value.join(': '));
    }
    this.retry = fields.get('retry') ?? this.retry;
    const data = fields.get('data');
    if (data === undefined) return undefined;
    const id = fields.get('id');
    return {
      type: fields.get('event') ?? 'message',
      data: JSON.parse(data),
      ...(id === undefined ? {} : { id }),
    };
  }
}
