import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';
import { REQUEST_BOUNDS } from './http.settings.js';

const Deep = z.object({ jsonDepthMax: z.int().positive() });
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

/** How deep the JSON of a request's body may be. */
export function depthMaxOf(request: FastifyRequest): number {
  const deep = Deep.safeParse(request.routeOptions.config);
  return deep.success ? deep.data.jsonDepthMax : REQUEST_BOUNDS.jsonDepthMax;
}
