import { isPrivateChannel } from '../../domain/secure-url.js';
import type { SigningAlgorithm } from './signing.algorithms.js';

/**
 * Where the facts about a person are in the token. A name is looked up as it stands
 * (`https://example.com/groups`), then as a path with dots (`realm_access.roles`).
 */
export interface ClaimNames {
  /** Becomes `Person.sub`; `sub` unless the configuration says otherwise. */
  readonly user: string;
  readonly email: string;
  readonly name: string;
  readonly groups: string;
  /** Becomes `Person.human`; absent: nothing in the token tells which accounts are one human's. */
  readonly human?: string | undefined;
  /** The claims that policy may look at, by these very names; none unless said otherwise. */
  readonly facts?: readonly string[] | undefined;
}

/** Accounts that are known to be one human's. */
export interface KnownHuman {
  readonly human: string;
  /** `subject` is what {@link ClaimNames.user} gives. */
  readonly accounts: readonly { readonly issuer: string; readonly subject: string }[];
}

/** One issuer that is trusted, and what its tokens must look like. */
export interface IssuerSettings {
  /** Compared with the token's `iss` character by character. */
  readonly issuer: string;
  /** One of the token's `aud` must be this. */
  readonly audience: string;
  /** Where the issuer publishes its keys; absent: found by OpenID Connect Discovery 1.0 §4. */
  readonly jwksUri?: string | undefined;
  readonly algorithms: readonly SigningAlgorithm[];
  readonly claims: ClaimNames;
}

export interface IdentitySettings {
  readonly issuers: readonly IssuerSettings[];
  /** Goes before what tokens say; none unless said otherwise. */
  readonly people?: readonly KnownHuman[] | undefined;
  /** By how much the issuer's clock may differ from ours: 0 to {@link CLOCK_SKEW_SECONDS_MAX}. */
  readonly clockSkewSeconds: number;
}

export const CLOCK_SKEW_SECONDS_MAX = 60;

/**
 * Throws, naming the setting, when settings could never work or would be unsafe: the same issuer twice, one account of
 * two humans, no algorithm, a skew out of bounds, keys fetched over plain HTTP from another machine.
 */
export function checkIdentitySettings(settings: IdentitySettings): void {
  const { issuers, clockSkewSeconds } = settings;
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= CLOCK_SKEW_SECONDS_MAX)) {
    throw new RangeError(`identity.clockSkewSeconds must be 0 to ${CLOCK_SKEW_SECONDS_MAX}`);
  }
  if (new Set(issuers.map((each) => each.issuer)).size !== issuers.length) {
    throw new Error('identity.issuers: an issuer is there twice');
  }
  const accounts = (settings.people ?? []).flatMap((each) => each.accounts);
  if (new Set(accounts.map(accountKey)).size !== accounts.length) {
    throw new Error('identity.people: an account is there twice');
  }
  for (const { issuer, audience, algorithms, jwksUri } of issuers) {
    if (audience === '') throw new Error(`identity.issuers: ${issuer} has no audience`);
    if (algorithms.length === 0) throw new Error(`identity.issuers: ${issuer} has no algorithm`);
    const keysFrom = jwksUri ?? issuer;
    if (!URL.canParse(keysFrom) || !isPrivateChannel(new URL(keysFrom))) {
      throw new Error(`identity.issuers: ${keysFrom} must be https (or http on this machine)`);
    }
  }
}

/** One text for one account. An issuer is a URL, which holds no line end. */
export function accountKey(account: { readonly issuer: string; readonly subject: string }): string {
  return `${account.issuer}\n${account.subject}`;
}
