import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { invariant } from '../../domain/problem.js';
import type { SignedInRequest } from './access.guard.js';

/** The person who asks, as the {@link AccessGuard} let them in. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) =>
  invariant(
    context.switchToHttp().getRequest<SignedInRequest>().caller,
    'a handler without a caller',
  ),
);

/** When the caller's token expires. */
export const SignedInUntil = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    invariant(
      context.switchToHttp().getRequest<SignedInRequest>().user,
      'a handler without a caller',
    ).expiresAt,
);
