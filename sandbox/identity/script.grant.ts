import type { TokenEndpointGrantContext } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { HALLPASS_API, RESOURCE } from './hallpass.api.js';
import { personBySub } from './people.js';

/**
 * A grant type of the sandbox's own (RFC 6749 §4.5), so that a script has a token by one request without a browser:
 * whoever asks gets one for the person they name. No real identity provider has such a thing.
 */
export const SCRIPT_GRANT = 'urn:hallpass:sandbox:person';

/** Answers the token request; throws oidc-provider's `InvalidRequest` when nobody is named by `person`. */
export async function giveTokenForPerson(ctx: TokenEndpointGrantContext): Promise<void> {
  const { provider, client, params } = ctx.oidc;
  const person = personBySub(String(params.person));
  if (!person) throw new errors.InvalidRequest('person must be the subject of somebody here');
  const grant = new provider.Grant({ clientId: client.clientId, accountId: person.sub });
  const token = new provider.AccessToken({
    client,
    accountId: person.sub,
    grantId: await grant.save(),
    gty: SCRIPT_GRANT,
    resourceServer: new provider.ResourceServer(RESOURCE, HALLPASS_API),
  });
  const value = await token.save();
  ctx.body = { access_token: value, expires_in: token.expiration, token_type: token.tokenType };
}
