import { RouteConfig } from '@nestjs/platform-fastify';
import type { RouteOptions } from 'fastify';
import { z } from 'zod';

const Only = z.object({ getOnly: z.literal(true) });

/**
 * For what GET does besides answering: an event of the audit log that says who was shown something, a token. The router
 * takes HEAD wherever it takes GET, and that would do it for somebody who is shown nothing.
 */
export function GetOnly(): MethodDecorator {
  return RouteConfig({ getOnly: true } satisfies z.infer<typeof Only>);
}

/** Whether the route is one for HEAD that must not be. Gives it, before it is made, nothing to answer with. */
export function refuseHead(route: RouteOptions): boolean {
  if (route.method !== 'HEAD' || !Only.safeParse(route.config).success) return false;
  route.handler = (_request, reply) => {
    reply.callNotFound();
  };
  return true;
}
