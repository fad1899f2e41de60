import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ReceiveAudit } from '../../app/receive-audit.js';
import { ApiAuditEvents, ApiAuditTaken } from '../../contract/api-audit.schema.js';
import { ByClusterToken } from './access.decorators.js';
import { FromApiServer, senderOf } from './api-audit.access.js';
import { Operation } from './operation.decorator.js';

/** Where API servers send their audit logs. */
@Controller('v1/clusters')
export class ApiAuditController {
  constructor(private readonly receive: ReceiveAudit) {}

  @Post(':name/audit')
  @HttpCode(200)
  @ByClusterToken()
  @FromApiServer()
  @Operation({
    id: 'receiveKubernetesAudit',
    tag: 'audit',
    summary: 'Where the API server of a cluster sends its audit log',
    description:
      'Batches of `audit.k8s.io/v1`, by the cluster’s own token (`clusters[].audit.tokenFile`) as a bearer token. To ' +
      'everybody else there is nothing here. See docs/bypass.md.',
    status: 200,
    answers: ApiAuditTaken,
    public: true,
    problems: ['not-found', 'too-many-requests'],
  })
  async take(
    @Req() request: FastifyRequest,
    @Body({ schema: ApiAuditEvents }) batch: z.infer<typeof ApiAuditEvents>,
  ): Promise<z.infer<typeof ApiAuditTaken>> {
    const sender = senderOf(request, this.receive);
    return await this.receive.take(sender, batch.items);
  }
}
