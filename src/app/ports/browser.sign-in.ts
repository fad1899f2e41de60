import type { Person, SignIn } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';

/** What a sign-in is to be beyond any: how strong, how fresh, whether the issuer is to ask the person again. */
export type SignInWish = Readonly<Partial<Record<'acr_values' | 'max_age' | 'prompt', string>>>;

/** A sign-in under way, which the browser that began it keeps. */
export interface SignInUnderWay {
  readonly issuer: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Signs people in at their issuers by authorization code with PKCE (RFC 6749 §4.1, RFC 7636). */
export abstract class BrowserSignIn {
  /** Where people can sign in, at least one. */
  abstract readonly issuers: readonly string[];
  /**
   * @param wish more that the issuer is asked for: parameters of OpenID Connect (Core 1.0 §3.1.2.1) such as `max_age`.
   * @returns the issuer's page; `not-found` for an issuer that is none of them, `identity-unavailable`.
   */
  abstract begin(
    issuer: string,
    wish?: SignInWish,
  ): Promise<{ readonly page: URL; readonly underWay: SignInUnderWay } | Problem>;
  /**
   * @param query what the issuer sent the browser back with.
   * @returns who signed in, by a token that a bearer could show as well; `unauthenticated`, `identity-unavailable`.
   */
  abstract finish(
    underWay: SignInUnderWay,
    query: string,
  ): Promise<
    { readonly person: Person; readonly signIn: SignIn; readonly expiresAt: Date } | Problem
  >;
}
