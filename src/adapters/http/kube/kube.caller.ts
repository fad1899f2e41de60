import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import type { Caller } from '../../../app/caller.js';
import { invariant } from '../../../domain/problem.js';
import type { SignedInRequest } from '../access.guard.js';

/** The person behind kubectl, as the guard let them in. */
export const KubectlCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Caller => {
    const request = context.switchToHttp().getRequest<SignedInRequest>();
    const caller = invariant(request.caller, 'a handler without a caller');
    return { ...caller, actor: { ...caller.actor, channel: 'kubectl' } };
  },
);
