import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const CALLBACK_PATH = '/callback';

/** Where the browser comes back to (RFC 8252 §7.3): a port of this machine that nobody else sees. */
export interface LoopbackListener extends AsyncDisposable {
  readonly redirectUri: string;
  /** The address that the browser came back with. Rejects when `signal` aborts. */
  returned(signal: AbortSignal): Promise<URL>;
}

const PAGE = (words: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Hallpass</title>
<body style="font: 1rem system-ui, sans-serif; max-width: 30rem; margin: 15vh auto">
<p>${words}</p>
</html>
`;

/** @param state what was sent, and is known to no one else: without it nobody comes back (RFC 9700 §4.7). */
export async function listenOnLoopback(state: string): Promise<LoopbackListener> {
  let arrived: (address: URL) => void;
  const first = new Promise<URL>((resolve) => (arrived = resolve));
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('request', (request, response) => {
    const address = addressOf(request, origin);
    // A name that was made to resolve to this machine (DNS rebinding) is no business of ours, nor is a favicon.
    if (address?.pathname !== CALLBACK_PATH) return answer(response, 404, 'There is nothing here.');
    // Whatever else runs on this machine can ask us as well: that must not end somebody's sign-in.
    if (address.searchParams.get('state') !== state) {
      return answer(response, 400, 'This is no answer to what was asked: nothing was done.');
    }
    const failed = address.searchParams.has('error');
    answer(
      response,
      200,
      failed
        ? 'You were not signed in: your terminal says why.'
        : 'Thank you. You can close this window: your terminal goes on.',
    );
    arrived(address);
  });
  return {
    redirectUri: `${origin}${CALLBACK_PATH}`,
    returned: (signal) =>
      Promise.race([
        first,
        once(signal, 'abort').then(() => Promise.reject(new Error('nobody came back'))),
      ]),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function addressOf({ headers, url = '/' }: IncomingMessage, origin: string): URL | undefined {
  if (`http://${headers.host}` !== origin || !URL.canParse(url, origin)) return undefined;
  return new URL(url, origin);
}

function answer(response: ServerResponse, status: number, words: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      connection: 'close',
    })
    .end(PAGE(words));
}
