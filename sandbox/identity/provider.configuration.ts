import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type {
  AccessToken,
  ClientCredentials,
  ClientMetadata,
  Configuration,
  KoaContextWithOIDC,
  UnknownObject,
} from 'oidc-provider';
import { interactionPolicy, Provider } from 'oidc-provider';
import type { MemoryStorage } from './memory.storage.js';
import { HALLPASS_API, RESOURCE, TOKEN_TTL_SECONDS } from './hallpass.api.js';
import { personBySub } from './people.js';
import { giveTokenForPerson, SCRIPT_GRANT } from './script.grant.js';

export const INTERACTION_PATH = '/interaction/';

/** The command line's client: public, code with PKCE, redirected to whatever loopback port it listens on. */
export const CLI_CLIENT_ID = 'hallpass-cli';
/** The pages' client: public, code with PKCE, on whatever loopback port the broker listens, by TLS or not. */
export const WEB_CLIENT_ID = 'hallpass-web';
/** For scripts and tests. */
export const SCRIPT_CLIENT_ID = 'hallpass-scripts';

/** How somebody who was chosen on a page, or named in a request, signed in. Nothing was proved. */
export const SIGN_IN = { acr: 'urn:hallpass:sandbox:chosen', amr: ['user'] };

/** What clients may ask for. */
export const SCOPES = ['openid', 'email', 'profile', 'groups'];

const CLIENTS: ClientMetadata[] = [
  {
    client_id: CLI_CLIENT_ID,
    client_name: 'the Hallpass command line',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    // RFC 8252 §7.3: any port of these is allowed
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
  },
  {
    client_id: WEB_CLIENT_ID,
    client_name: 'the pages of Hallpass',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/sign-in/callback'],
  },
  {
    client_id: SCRIPT_CLIENT_ID,
    token_endpoint_auth_method: 'none',
    grant_types: [SCRIPT_GRANT],
    response_types: [],
    redirect_uris: [],
  },
];

/**
 * An OpenID provider that gives out access tokens for Hallpass by RFC 9068. `keys`: the first one signs, all are
 * published. `cookieSecret` keeps browsers signed in when a provider takes over from another.
 */
export function makeProvider(options: {
  issuer: string;
  keys: readonly JWK[];
  storage: MemoryStorage;
  cookieSecret: string;
}): Provider {
  const provider = new Provider(options.issuer, configuration(options));
  provider.registerGrantType(SCRIPT_GRANT, giveTokenForPerson, 'person');
  takePagesByTls(provider);
  return provider;
}

/** Pages that are served by TLS on this machine are the same pages, on any port too: no client can be registered so. */
function takePagesByTls({ Client }: Provider): void {
  const isAllowed = Reflect.get(Client.prototype, 'redirectUriAllowed');
  Client.prototype.redirectUriAllowed = function allowed(uri) {
    const isPages = this.clientId === WEB_CLIENT_ID;
    return isAllowed.call(
      this,
      isPages ? uri.replace(/^https:(?=\/\/127\.0\.0\.1[:/])/, 'http:') : uri,
    );
  };
}

function configuration({
  keys,
  storage,
  cookieSecret,
}: Parameters<typeof makeProvider>[0]): Configuration {
  return {
    clients: CLIENTS,
    jwks: { keys },
    adapter: (model) => storage.adapterFor(model),
    cookies: { keys: [cookieSecret] },
    scopes: SCOPES,
    claims: { openid: ['sub'], email: ['email'], profile: ['name'], groups: ['groups'] },
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `${INTERACTION_PATH}${uid}`, policy: loginOnly() },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => HALLPASS_API,
      },
    },
    ttl: {
      AccessToken: TOKEN_TTL_SECONDS,
      AuthorizationCode: 60,
      Grant: TOKEN_TTL_SECONDS,
      IdToken: TOKEN_TTL_SECONDS,
      Interaction: TOKEN_TTL_SECONDS,
      Session: TOKEN_TTL_SECONDS,
    },
    findAccount: (_ctx, sub) => {
      const person = personBySub(sub);
      return (
        person && { accountId: sub, claims: () => ({ ...person, groups: [...person.groups] }) }
      );
    },
    loadExistingGrant: grantEverything,
    extraTokenClaims: accessTokenClaims,
    clientBasedCORS: () => false,
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'text';
      ctx.body = `${error}: ${description ?? 'no more is known'}\n`;
    },
  };
}

export function newCookieSecret(): string {
  return randomBytes(32).toString('hex');
}

/** All of the sandbox's clients are Hallpass itself: nobody is asked for consent, {@link grantEverything} gives it. */
function loginOnly(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  return policy;
}

async function grantEverything(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { provider, client, session } = ctx.oidc;
  if (!client || !session?.accountId) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(SCOPES.join(' '));
  await grant.save();
  return grant;
}

type Grant = InstanceType<Provider['Grant']>;

/** RFC 9068 §2.2: who it is, and how they signed in. */
function accessTokenClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
): UnknownObject | undefined {
  const person = 'accountId' in token ? personBySub(token.accountId) : undefined;
  if (!person) return undefined;
  const { name, email, groups } = person;
  const code = ctx.oidc.entities.AuthorizationCode;
  const authTime = code?.authTime ?? Math.floor(Date.now() / 1000);
  return { name, email, groups, auth_time: authTime, ...SIGN_IN };
}
