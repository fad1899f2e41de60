import type { OnModuleInit, Provider } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import passport from 'passport';
import { ExtractJwt } from 'passport-jwt';
import { Clock } from '../../app/ports/clock.js';
import { Journal } from '../../app/ports/journal.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, PROBLEMS } from '../../domain/problem.js';
import type { IdentitySettings } from './identity.settings.js';
import { checkIdentitySettings } from './identity.settings.js';
import type { Principal } from './principal.js';
import { refuseToken } from './token.refusals.js';
import { TokenVerifier } from './token.verifier.js';

export const BEARER_STRATEGY = 'bearer-oidc';

/** RFC 6750 §2.1, and nothing before, between or after. passport-jwt alone finds a token inside other text too. */
const BEARER_CREDENTIALS = /^Bearer +[\w.~+/-]+=*$/i;

const extract = ExtractJwt.fromAuthHeaderAsBearerToken();
/** As much of Fastify's request as is looked at. */
interface BearingRequest {
  readonly headers: { readonly authorization?: unknown };
}

/**
 * The passport strategy `bearer-oidc`, for `AuthGuard('bearer-oidc')`: the token of the Authorization header, and of
 * no other place, as judged by {@link TokenVerifier}. On success the guard's `user` is a `Principal`; on refusal
 * `user` is false and `info` a `Problem` (override `handleRequest` to answer with it). Only a bug makes an `err`.
 *
 * Passport keeps strategies by name in one registry for the whole process: the application started last is the one
 * whose issuers count.
 */
@Injectable()
export class BearerStrategy extends passport.Strategy implements OnModuleInit {
  constructor(private readonly verifier: TokenVerifier) {
    super();
  }

  onModuleInit(): void {
    passport.use(BEARER_STRATEGY, this);
  }

  /** Called by passport, on an object that has this strategy as its prototype. */
  override authenticate(request: BearingRequest): void {
    this.judge(request).then(
      (outcome) => {
        if (isProblem(outcome)) this.fail(outcome, PROBLEMS[outcome.problem].status);
        else this.success(outcome);
      },
      (bug: unknown) => this.error(bug),
    );
  }

  private async judge(request: BearingRequest): Promise<Principal | Problem> {
    const credentials = request.headers.authorization;
    if (typeof credentials !== 'string') return refuseToken('missing', 'no Authorization header');
    const token = BEARER_CREDENTIALS.test(credentials) ? extract(request) : null;
    if (token === null) return refuseToken('missing', 'Authorization is not "Bearer <token>"');
    return this.verifier.verify(token);
  }
}

/**
 * What a Nest module needs to provide for `AuthGuard('bearer-oidc')`; it must provide {@link Clock} and
 * {@link Journal} as well. Throws when the settings are unsafe or could never work.
 */
export function bearerStrategy(settings: IdentitySettings): Provider[] {
  checkIdentitySettings(settings);
  const makeVerifier = (clock: Clock, journal: Journal): TokenVerifier =>
    new TokenVerifier(settings, {
      clock,
      onFetchFailed: (issuer, cause) =>
        journal.warn({ issuer, err: cause }, 'the keys of an issuer cannot be had'),
    });
  return [
    { provide: TokenVerifier, useFactory: makeVerifier, inject: [Clock, Journal] },
    BearerStrategy,
  ];
}
