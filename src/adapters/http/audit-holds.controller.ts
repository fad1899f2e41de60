import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { HoldAudit } from '../../app/hold-audit.js';
import { auditHoldView } from '../../app/views/audit-hold.view.js';
import {
  AuditHoldList,
  AuditHoldRelease,
  AuditHoldView,
  NewAuditHold,
} from '../../contract/audit-hold.schema.js';
import { problem } from '../../domain/problem.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionIdIn } from './session.id.js';

/** What has to be kept beyond its time. */
@Controller('v1/audit/holds')
export class AuditHoldsController {
  constructor(private readonly holding: HoldAudit) {}

  @Get()
  @Allow('audit:read')
  @Operation({
    id: 'listAuditHolds',
    tag: 'audit',
    summary: 'The legal holds that stand, the newest first',
    description: 'A thousand at most.',
    status: 200,
    answers: AuditHoldList,
    problems: [],
  })
  async list(): Promise<z.infer<typeof AuditHoldList>> {
    return { items: (await this.holding.standing()).map(auditHoldView) };
  }

  @Post()
  @HttpCode(201)
  @Allow('audit:hold')
  @Operation({
    id: 'placeAuditHold',
    tag: 'audit',
    summary: 'Keep events and recordings beyond their time',
    description:
      'Of a session, of a time, of both, or all where neither is said. Nothing of it is dropped until the hold is ' +
      'released. What was dropped before does not come back. It is itself an event.',
    status: 201,
    answers: AuditHoldView,
    problems: ['unsupported-media-type', 'invalid-fields', 'not-found'],
  })
  async place(
    @CurrentCaller() caller: Caller,
    @Body({ schema: NewAuditHold })
    { session, from, until, ...why }: z.infer<typeof NewAuditHold>,
  ): Promise<AuditHoldView> {
    const hold = await this.holding.place(caller, {
      ...why,
      ...(session === undefined ? {} : { session: sessionIdIn(session) }),
      ...(from === undefined ? {} : { from: new Date(from) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    });
    return auditHoldView(orRefuse(hold));
  }

  @Post(':id/release')
  @HttpCode(200)
  @Allow('audit:hold')
  @Operation({
    id: 'releaseAuditHold',
    tag: 'audit',
    summary: 'Release a legal hold',
    description:
      'What nobody else holds and whose time is over is dropped soon. It is itself an event.',
    status: 200,
    answers: AuditHoldView,
    problems: ['unsupported-media-type', 'invalid-fields', 'not-found'],
  })
  async release(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: AuditHoldRelease }) why: z.infer<typeof AuditHoldRelease>,
  ): Promise<AuditHoldView> {
    const known = z.uuid().safeParse(id);
    const hold = known.success
      ? await this.holding.release(caller, known.data, why)
      : problem('not-found', 'There is no such hold that stands.');
    return auditHoldView(orRefuse(hold));
  }
}
