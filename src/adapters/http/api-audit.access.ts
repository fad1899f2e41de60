import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuditedCluster } from '../../app/detect-bypass.js';
import type { ReceiveAudit } from '../../app/receive-audit.js';
import { orRefuse } from './refused.error.js';

/** Batches of API servers may be large, and their bodies as deep as whoever called them liked. */
const BODY_BYTES_MAX = 10 * 1024 * 1024;
const BODY_DEPTH_MAX = 10_000;

const Marked = z.object({ ofApiServer: z.literal(true) });
const Named = z.object({ name: z.string() });

/** For what an API server sends, by the token of its cluster, which is looked at before any of the body is read. */
export function FromApiServer(): MethodDecorator {
  return RouteConfig({
    ofApiServer: true,
    bodyBytesMax: BODY_BYTES_MAX,
    jsonDepthMax: BODY_DEPTH_MAX,
  });
}

/**
 * Refuses, on such routes, everybody but the API server of the cluster that the path names, and its batches where too
 * many are being read.
 */
export function refuseStrangers(
  request: FastifyRequest,
  reply: FastifyReply,
  receive: ReceiveAudit,
): void {
  if (!Marked.safeParse(request.routeOptions.config).success) return;
  const leave = orRefuse(receive.admit(senderOf(request, receive)));
  // Answered, or the connection broke.
  reply.raw.once('close', leave);
}

/** Which cluster sends. */
export function senderOf(request: FastifyRequest, receive: ReceiveAudit): AuditedCluster {
  const name = Named.safeParse(request.params).data?.name ?? '';
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return orRefuse(receive.sender(name, token));
}
