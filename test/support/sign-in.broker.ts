import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';

export interface SignInBroker extends AsyncDisposable {
  readonly url: string;
}

/** As much of a broker as signing in needs: where to do it, and who a token says one is. */
export async function startSignInBroker(at: {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly resource: string;
}): Promise<SignInBroker> {
  const keys = createRemoteJWKSet(new URL(at.jwksUri));
  const { issuer, audience, scopes, resource } = at;
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/v1/sign-in') {
      return answer(200, {
        issuers: [{ issuer, clientId: 'hallpass-cli', scopes, resource }],
      });
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    jwtVerify(token, keys, { issuer, audience }).then(
      ({ payload: { sub = '', exp = 0 } }) =>
        answer(200, {
          person: { iss: issuer, sub, groups: [] },
          roles: ['requester'],
          permissions: [],
          signedInUntil: new Date(exp * 1000).toISOString(),
        }),
      () =>
        answer(401, {
          type: 'urn:hallpass:problem:unauthenticated',
          title: 'Sign in first',
          status: 401,
          detail: 'The access token is not accepted.',
          instance: 'urn:request:1',
        }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
