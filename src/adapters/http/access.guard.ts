import type { ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { inTrace } from '../../app/caller.js';
import { NotePerson } from '../../app/note-person.js';
import { KUBE_TOKEN_PREFIX, kubeTokenHash } from '../../app/issue-kubeconfig.js';
import { Journal } from '../../app/ports/journal.js';
import { KubeTokens } from '../../app/ports/kube.tokens.js';
import type { Person, SignIn } from '../../domain/person.js';
import { permits, rolesOf } from '../../domain/permission.js';
import type { Permission, RoleGroups } from '../../domain/permission.js';
import { isProblem, problem } from '../../domain/problem.js';
import type { Access } from './access.decorators.js';
import { ACCESS, PAGE_PERMISSION } from './access.decorators.js';
import { addressOf, channelOf } from './caller.address.js';
import { PageDoor } from './pages/page.door.js';
import { Refused } from './refused.error.js';
import { traceparentOf } from './request.traces.js';
import { SESSION_TOKENS } from './session-token.access.js';

/** Which groups give which role; from the configuration. */
export abstract class Roles {
  abstract readonly groups: RoleGroups;
}

/** Who a token speaks for and until when, as the strategy `bearer-oidc` says. */
export interface SignedIn {
  readonly person: Person;
  readonly signIn: SignIn;
  readonly expiresAt: Date;
}

/** A request whose caller the guard has let in. */
export interface SignedInRequest extends FastifyRequest {
  user?: SignedIn;
  caller?: Caller;
}

/** Lets callers in: the token by the strategy `bearer-oidc`, then the permission that the handler names. */
@Injectable()
export class AccessGuard extends AuthGuard('bearer-oidc') {
  constructor(
    private readonly reflector: Reflector,
    private readonly roles: Roles,
    private readonly note: NotePerson,
    private readonly journal: Journal,
    private readonly tokens: KubeTokens,
    private readonly door: PageDoor,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.get<Access | undefined>(ACCESS, context.getHandler());
    if (access === 'public' || access === 'ticket' || access === 'cluster-token') return true;
    if (access === undefined) {
      const handler = `${context.getClass().name}.${context.getHandler().name}`;
      this.journal.error({ handler }, 'a handler names no permission and is not run');
      throw new Refused(problem('forbidden', 'Nobody may do this.'));
    }
    const request = context.switchToHttp().getRequest<SignedInRequest>();
    if (access === 'page') {
      const needed = this.reflector.get<Permission | null>(PAGE_PERMISSION, context.getHandler());
      await this.door.admit(request, needed);
      return true;
    }
    const bySession = this.sessionTokenIn(request, context);
    if (bySession === undefined) await super.canActivate(context);
    else request.user = await this.bySessionToken(bySession, request);
    const caller = inTrace(this.callerOf(request), traceparentOf(request.raw));
    // Whatever their roles: who has none any more has lost what made earlier consents count. A session's token says
    // nothing new of its person.
    if (bySession === undefined) this.note.inPassing(caller);
    if (access !== 'signed-in' && !permits(caller.roles, access)) {
      const roles = caller.roles.length === 0 ? 'no role' : caller.roles.join(', ');
      throw new Refused(
        problem(
          'forbidden',
          `This needs the permission "${access}". Your groups give you ${roles}.`,
        ),
      );
    }
    request.caller = caller;
    return true;
  }

  /** Called by passport's guard. The strategy says in `info` why it refused. */
  override handleRequest<T>(error: unknown, user: T, info: unknown): T {
    if (error)
      throw error instanceof Error ? error : new Error('the strategy failed', { cause: error });
    if (user) return user;
    const refusal = isProblem(info)
      ? info
      : problem(
          'unauthenticated',
          'Send an access token in the Authorization header, as "Bearer <token>".',
          {
            cause: info,
          },
        );
    throw new Refused(refusal, challenge(refusal.problem, info));
  }

  /** The token of a session, where there is one and such are taken; whether it is good is another question. */
  private sessionTokenIn(request: FastifyRequest, context: ExecutionContext): string | undefined {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token?.startsWith(KUBE_TOKEN_PREFIX)) return undefined;
    const taken = this.reflector.get<boolean | undefined>(SESSION_TOKENS, context.getClass());
    return taken === true ? token : undefined;
  }

  /**
   * Who a session's token speaks for, on the addresses of that session and on no others. Whether the session can be used
   * is for the handlers to ask, as it is where the person's own login comes.
   */
  private async bySessionToken(token: string, request: FastifyRequest): Promise<SignedIn> {
    const found = await this.tokens.find(kubeTokenHash(token));
    const { id } = request.params as { readonly id?: string };
    if (found && found.session === id) {
      return { person: found.person, signIn: found.signIn, expiresAt: new Date(8.64e15) };
    }
    throw new Refused(
      problem(
        'unauthenticated',
        'This token is not good here, or not any more: it holds for one session, under its address.',
        { cause: { reason: 'session-token' } },
      ),
    );
  }

  private callerOf(request: SignedInRequest): Caller {
    const { user } = request;
    if (!user) throw new Error('invariant broken: the strategy let in nobody');
    const address = addressOf(request);
    return {
      actor: {
        kind: 'person',
        person: user.person,
        signIn: user.signIn,
        channel: channelOf(request),
        requestId: request.id,
        ...(address === undefined ? {} : { address }),
      },
      roles: rolesOf(user.person, this.roles.groups),
    };
  }
}

/** RFC 6750 §3: a request without a token gets no error code; one with a token that is not accepted does. */
function challenge(code: string, info: unknown): Record<string, string> {
  if (code !== 'unauthenticated') return {};
  const cause: unknown = isProblem(info) ? info.cause : undefined;
  const missing =
    typeof cause === 'object' && cause !== null && 'reason' in cause && cause.reason === 'missing';
  return missing || cause === undefined
    ? { 'www-authenticate': 'Bearer realm="hallpass"' }
    : { 'www-authenticate': 'Bearer realm="hallpass", error="invalid_token"' };
}
