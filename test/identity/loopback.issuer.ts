import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type {
  IdentitySettings,
  IssuerSettings,
} from '../../src/adapters/oidc/identity.settings.js';

export const AUDIENCE = 'hallpass';

/** A clock that stands still until it is told to move. */
export class StandingClock {
  #nowMs = Date.parse('2030-01-01T00:00:00Z');

  now(): Date {
    return new Date(this.#nowMs);
  }

  get seconds(): number {
    return this.#nowMs / 1000;
  }

  advance(seconds: number): void {
    this.#nowMs += seconds * 1000;
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An issuer on loopback whose keys, documents and faults a test chooses. Counts what it is asked. */
export class LoopbackIssuer {
  readonly requests: string[] = [];
  /** Published at `/keys`. */
  jwks: JWK[] = [];
  /** Overrides for the discovery document. */
  metadata: Record<string, unknown> = {};
  /** Replaces every answer. */
  fault: Answer | undefined;
  readonly #privateKeys = new Map<string, { key: CryptoKey; alg: string }>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly clock: { readonly seconds: number },
  ) {}

  /** On a free port, with one RS256 key named `first`. */
  static async start(clock: { readonly seconds: number }): Promise<LoopbackIssuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const issuer = new LoopbackIssuer(server, `http://127.0.0.1:${port}`, clock);
    server.on('request', (request, response) => issuer.#answer(request, response));
    await issuer.addKey('first');
    return issuer;
  }

  /** Makes a key pair and publishes its public half with `published` over it. */
  async addKey(kid: string, alg = 'RS256', published: Partial<JWK> = {}): Promise<JWK> {
    const pair = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig', ...published };
    this.#privateKeys.set(kid, { key: pair.privateKey, alg });
    this.jwks.push(jwk);
    return jwk;
  }

  /** From now on the keys are these: old ones are withdrawn. */
  rotateTo(kid: string): Promise<JWK> {
    this.jwks = [];
    return this.addKey(kid);
  }

  privateKey(kid: string): CryptoKey {
    const held = this.#privateKeys.get(kid);
    if (!held) throw new Error(`no key ${kid}`);
    return held.key;
  }

  /** Claims of a good token, good for an hour, before a test spoils them. */
  claims(over: Record<string, unknown> = {}): JWTPayload {
    const now = this.clock.seconds;
    return { iss: this.url, aud: AUDIENCE, sub: 'robin', iat: now, exp: now + 3600, ...over };
  }

  /** Signs with the key named in the header (`first` unless said otherwise). Undefined claims are left out. */
  async sign(
    over: Record<string, unknown> = {},
    header: Partial<JWTHeaderParameters> = {},
  ): Promise<string> {
    const kid = header.kid ?? 'first';
    const { key, alg } = this.#privateKeys.get(kid) ?? {
      key: this.privateKey('first'),
      alg: 'RS256',
    };
    return new SignJWT(this.claims(over))
      .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
      .sign(key, { crit: { 'urn:x': true } });
  }

  settings(over: Partial<IssuerSettings> = {}): IssuerSettings {
    return {
      issuer: this.url,
      audience: AUDIENCE,
      algorithms: ['RS256', 'PS256', 'ES256'],
      claims: { user: 'sub', email: 'email', name: 'name', groups: 'groups' },
      ...over,
    };
  }

  identity(over: Partial<IssuerSettings> = {}, clockSkewSeconds = 60): IdentitySettings {
    return { issuers: [this.settings(over)], clockSkewSeconds };
  }

  fetchesOf(path: string): number {
    return this.requests.filter((each) => each === path).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.url ?? '');
    if (this.fault) return this.fault(request, response);
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        ...this.metadata,
      },
      '/keys': { keys: this.jwks },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? null));
  }
}
