import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import { AUDIENCE } from './hallpass.api.js';
import { handleInteraction, isInteraction } from './interaction.handler.js';
import { MemoryStorage } from './memory.storage.js';
import type { SandboxPerson } from './people.js';
import { PEOPLE } from './people.js';
import { makeProvider, newCookieSecret, SCRIPT_CLIENT_ID } from './provider.configuration.js';
import { SCRIPT_GRANT } from './script.grant.js';
import { newSigningKey } from './signing.keys.js';

/** The sandbox's identity provider while it runs. */
export interface IdentityProvider {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  readonly people: typeof PEOPLE;
  /** An access token (RFC 9068, good for an hour), fetched from the token endpoint as a script would. */
  tokenFor(person: Pick<SandboxPerson, 'sub'>): Promise<string>;
  /** A line for a shell that prints an access token of that person and nothing else. */
  curlFor(person: Pick<SandboxPerson, 'sub'>): string;
  /** From now on a new key signs. The one before stays published, the one before that does not. */
  rotateKeys(): Promise<void>;
  /** Ends it at once, open connections included. */
  close(): Promise<void>;
}

const TokenResponse = z.object({ access_token: z.string() });

/**
 * A real OpenID provider (discovery, JWKS, authorization code with PKCE) on loopback with five people, for trying
 * Hallpass and for tests. Anybody on this machine can be anybody. All state is in memory and gone when it closes.
 * Rejects when `port` is taken; without it, or with 0, a free one is found.
 */
export async function startIdentityProvider({
  port = 0,
}: { port?: number } = {}): Promise<IdentityProvider> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const shared = { issuer, storage: new MemoryStorage(), cookieSecret: newCookieSecret() };

  let keys: JWK[] = [await newSigningKey()];
  let provider = makeProvider({ ...shared, keys });
  server.on('request', (request, response) => answer(request, response, provider));

  return {
    issuer,
    audience: AUDIENCE,
    jwksUri: `${issuer}/jwks`,
    tokenEndpoint: `${issuer}/token`,
    people: PEOPLE,
    tokenFor: ({ sub }) => fetchToken(`${issuer}/token`, sub),
    curlFor: ({ sub }) =>
      `curl -s ${issuer}/token -d grant_type=${SCRIPT_GRANT} -d client_id=${SCRIPT_CLIENT_ID} -d person=${sub}` +
      ` | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'`,
    rotateKeys: async () => {
      keys = [await newSigningKey(), ...keys.slice(0, 1)];
      // oidc-provider reads its keys when it is made: another one takes over, with the same memory
      provider = makeProvider({ ...shared, keys });
    },
    close: () => close(server),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, provider: Provider): void {
  // a page elsewhere whose name is made to resolve to loopback (DNS rebinding) must not get at the people
  if (`http://${request.headers.host}` !== provider.issuer) {
    response.writeHead(421, { 'content-type': 'text/plain' }).end(`this is ${provider.issuer}\n`);
  } else if (isInteraction(request)) {
    void handleInteraction(request, response, provider);
  } else {
    void provider.callback()(request, response);
  }
}

async function fetchToken(tokenEndpoint: string, person: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: SCRIPT_GRANT,
    client_id: SCRIPT_CLIENT_ID,
    person,
  });
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`no token for ${person}: ${await response.text()}`);
  return TokenResponse.parse(await response.json()).access_token;
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
