import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector got it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where it is the first of its trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** OTLP's number: 1 internal, 2 server, 3 client, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The traces that it points to. */
  readonly links: readonly string[];
  /** OTLP's number: 0 where nothing is said, 2 an error. */
  readonly status: number;
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, string | number>>;
}

/** A collector on this machine that takes OTLP over HTTP as protobuf, and keeps what it was sent. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** All that came, as bytes. */
  readonly bytes: Buffer[] = [];
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.requests.push({ path: request.url ?? '', headers: request.headers });
      this.answer(response, Buffer.concat(chunks));
    });
  });

  private constructor(private readonly status: number | 'silent') {}

  /** @param status what it answers with; `silent`: it takes what comes, and says nothing. */
  static async start(status: number | 'silent' = 200): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(status);
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get endpoint(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(response: ServerResponse, body: Buffer): void {
    if (this.status === 'silent') return;
    if (this.status === 200) {
      this.bytes.push(body);
      this.spans.push(...spansOf(body));
    }
    response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end();
  }
}

/** A field of a protobuf message: bytes, or a number. */
interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly value: bigint;
}

const NONE = Buffer.alloc(0);

/** The fields of a message, by the wire format of protobuf. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const wire = tag & 7;
    if (wire === 0) yield { number, bytes: NONE, value: varint() };
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
      yield { number, bytes: message.subarray(at, (at += length)), value: 0n };
    }
  }
}

function all(message: Buffer, number: number): Buffer[] {
  return [...fieldsOf(message)].filter((it) => it.number === number).map(({ bytes }) => bytes);
}

function one(message: Buffer, number: number): Buffer {
  return all(message, number)[0] ?? NONE;
}

function numberIn(message: Buffer, number: number): number {
  return Number([...fieldsOf(message)].find((it) => it.number === number)?.value ?? 0n);
}

/** Numbers of fields as opentelemetry/proto/trace/v1/trace.proto has them. */
function spansOf(request: Buffer): ReceivedSpan[] {
  return all(request, 1).flatMap((ofResource) => {
    const resource = attributesOf(all(one(ofResource, 1), 1));
    return all(ofResource, 2)
      .flatMap((ofScope) => all(ofScope, 2))
      .map((span) => ({
        traceId: one(span, 1).toString('hex'),
        spanId: one(span, 2).toString('hex'),
        parentSpanId: one(span, 4).toString('hex'),
        name: one(span, 5).toString('utf8'),
        kind: numberIn(span, 6),
        attributes: attributesOf(all(span, 9)),
        links: all(span, 13).map((link) => one(link, 1).toString('hex')),
        status: numberIn(one(span, 15), 3),
        resource,
      }));
  });
}

function attributesOf(pairs: readonly Buffer[]): Record<string, string | number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const value = one(pair, 2);
      const [field] = fieldsOf(value);
      const isText = field?.number === 1;
      return [
        one(pair, 1).toString('utf8'),
        isText ? field.bytes.toString('utf8') : Number(field?.value),
      ];
    }),
  );
}
