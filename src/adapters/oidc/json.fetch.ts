import { Readable } from 'node:stream';
import { isPrivateChannel } from './identity.settings.js';

export const FETCH_TIMEOUT_MS = 5_000;
/** Far above what issuers publish (a few keys of 2 kB), far below what would hurt. */
export const FETCH_BYTES_MAX = 262_144;

/**
 * GETs a JSON document from an issuer. Throws an Error whose message says what went wrong when the address is not
 * private to both ends (https, or http on loopback), when it redirects, answers anything but 200, is larger than
 * {@link FETCH_BYTES_MAX} bytes, is not JSON, or when `signal` aborts.
 */
export async function fetchJson(address: string, signal: AbortSignal): Promise<unknown> {
  if (!URL.canParse(address)) throw new Error(`${address} is not an address`);
  const url = new URL(address);
  if (!isPrivateChannel(url)) throw new Error(`${address} is neither https nor on this machine`);
  // a redirect could lead to plain HTTP or to a machine that the configuration does not name
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { accept: 'application/json' },
    signal,
  }).catch((cause: unknown) => {
    throw new Error(`${address} does not answer`, { cause });
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${address} answered ${response.status}`);
  }
  try {
    return JSON.parse(await boundedText(response));
  } catch (cause) {
    throw new Error(`${address} did not answer with a JSON document`, { cause });
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> = response.body ?? Readable.from([]);
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // leaving the loop by an exception cancels the body
    if (bytes > FETCH_BYTES_MAX) throw new RangeError(`more than ${FETCH_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
