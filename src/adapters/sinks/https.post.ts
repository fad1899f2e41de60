import { Agent, request } from 'undici';
import { SinkAway } from '../../app/ports/sink.js';

const CONNECT_MS_MAX = 5_000;
const ANSWER_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 16 * 1024;

/** What a receiver said. */
export interface PostAnswer {
  readonly status: number;
  /** The beginning of it, as text. */
  readonly text: string;
  /** How long it asks to be left alone. */
  readonly afterMs?: number;
}

/** POSTs to one address, over connections that are kept. Follows no redirect. */
export class HttpsPost {
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    caPem: string | null,
  ) {
    this.agent = new Agent({
      connections: 1,
      connect: { timeout: CONNECT_MS_MAX, ...(caPem === null ? {} : { ca: caPem }) },
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: ANSWER_MS_MAX,
    });
  }

  /** Throws a {@link SinkAway} where nobody answers. */
  async post(
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<PostAnswer> {
    try {
      const answer = await request(this.url, {
        method: 'POST',
        headers,
        body,
        signal,
        dispatcher: this.agent,
      });
      const afterMs = secondsOf(answer.headers['retry-after']);
      return {
        status: answer.statusCode,
        text: await beginning(answer.body),
        ...(afterMs === undefined ? {} : { afterMs }),
      };
    } catch (error) {
      throw new SinkAway('the receiver does not answer', undefined, error);
    }
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Throws a {@link SinkAway}: what was answered may be another thing later. */
export function away({ status, afterMs }: PostAnswer): never {
  throw new SinkAway(`the receiver answered ${status}`, afterMs);
}

export function isTaken({ status }: PostAnswer): boolean {
  return status >= 200 && status < 300;
}

async function beginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX);
}

function secondsOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}
