import { Readable } from 'node:stream';
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { TakeEvidence } from '../../app/take-evidence.js';
import { Evidence } from '../../contract/evidence.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { GetOnly } from './get.only.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionIdIn } from './session.id.js';

const MEDIA_TYPE = 'application/gzip';

/** All evidence of a session in one archive. */
@Controller('v1')
export class EvidenceController {
  constructor(private readonly taking: TakeEvidence) {}

  @Get('sessions/:id/evidence')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'takeEvidence',
    tag: 'audit',
    summary: 'All evidence of a session, in one archive that proves itself',
    description:
      'The request, who consented and what they saw, the policy text, every event with its proof, what was sent to the ' +
      'cluster and what came back, the recordings, a page that tells it in order. Verified offline. The taking is itself ' +
      'an event, which vouches for the archive, and so is the reading of each recording.',
    status: 200,
    answers: Evidence,
    media: MEDIA_TYPE,
    problems: ['not-found', 'evidence-too-large', 'evidence-not-ready'],
  })
  async take(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { name, bytes } = orRefuse(await this.taking.take(caller, sessionIdIn(path)));
    void reply
      .header('content-type', MEDIA_TYPE)
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(Readable.from(bytes, { objectMode: false }));
  }
}
