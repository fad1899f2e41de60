import { Readable } from 'node:stream';
import { isPrivateChannel } from '../../domain/secure-url.js';

export interface FetchBounds {
  /** Ends the fetch, its body included. */
  readonly signal: AbortSignal;
  /** Of the body, after it was unpacked. */
  readonly bytesMax: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Why there is no document. */
export class FetchFailed extends Error {
  /** @param words what went wrong, quoting neither the address nor anything that was sent or received. */
  constructor(
    address: string,
    readonly words: string,
    cause?: unknown,
  ) {
    super(`${address} ${words}`, { cause });
  }
}

/**
 * GETs a JSON document. Throws a {@link FetchFailed} when the address is not private to both ends (https, or http on
 * loopback), when it redirects, answers anything but 200, answers with more than `bytesMax` bytes or with what is not
 * JSON, or when `signal` aborts.
 */
export async function fetchJson(address: string, bounds: FetchBounds): Promise<unknown> {
  const { signal, headers } = bounds;
  const failed = (words: string, cause?: unknown): FetchFailed =>
    new FetchFailed(address, words, cause);
  if (!URL.canParse(address)) throw failed('is not an address');
  const url = new URL(address);
  if (!isPrivateChannel(url)) throw failed('is neither https nor on this machine');
  // a redirect could lead to plain HTTP or to a machine that the configuration does not name
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { accept: 'application/json', ...headers },
    signal,
  }).catch((cause: unknown) => {
    throw failed(signal.aborted ? 'does not answer in time' : 'does not answer', cause);
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw failed(`answered ${response.status}`);
  }
  try {
    return JSON.parse(await boundedText(response, bounds.bytesMax));
  } catch (cause) {
    throw failed(wordsFor(cause, signal), cause);
  }
}

function wordsFor(cause: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'did not finish its answer in time';
  if (cause instanceof RangeError) return `answered with ${cause.message}`;
  return 'did not answer with a JSON document';
}

async function boundedText(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> = response.body ?? Readable.from([]);
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // leaving the loop by an exception cancels the body
    if (bytes > bytesMax) throw new RangeError(`more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
