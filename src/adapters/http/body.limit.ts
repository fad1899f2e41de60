import { RouteConfig } from '@nestjs/platform-fastify';
import type { RouteOptions } from 'fastify';
import { z } from 'zod';

const Limited = z.object({ bodyBytesMax: z.int().positive() });

/** How large the body of a call may be, where that is not the usual ({@link REQUEST_BOUNDS}). */
export function BodyBytesMax(bytes: number): MethodDecorator {
  return RouteConfig({ bodyBytesMax: bytes } satisfies z.infer<typeof Limited>);
}

/** Gives a route, before it is made, the limit that its handler names. */
export function limitBody(route: RouteOptions): void {
  const limited = Limited.safeParse(route.config);
  if (limited.success) route.bodyLimit = limited.data.bodyBytesMax;
}
