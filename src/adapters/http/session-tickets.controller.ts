import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { IssueTicket } from '../../app/issue-ticket.js';
import { sessionPath } from '../../app/views/session.view.js';
import { NewTicket, PROTOCOLS, TicketView } from '../../contract/terminal.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { HttpSettings } from './http.settings.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionIdIn } from './session.id.js';

/** Tickets: with one a connection is opened by clients that cannot send an access token. */
@Controller('v1/sessions/:id/tickets')
export class SessionTicketsController {
  constructor(
    private readonly issuing: IssueTicket,
    private readonly settings: HttpSettings,
  ) {}

  @Post()
  @HttpCode(201)
  // The kind of the ticket says what it needs besides: `session:use` or `session:watch`.
  @Allow('session:read')
  @Operation({
    id: 'issueTicket',
    tag: 'sessions',
    summary: 'Get a ticket for a terminal or for the live view',
    description:
      'It opens one connection, once, within 30 seconds. `terminal` is for the session’s requester and needs ' +
      '`session:use`; `watch` is for its approvers and for auditors, needs `session:watch`, and is never for the requester.',
    status: 201,
    answers: TicketView,
    problems: [
      'unsupported-media-type',
      'invalid-fields',
      'not-found',
      'not-running',
      'too-many-requests',
    ],
  })
  async issue(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Body({ schema: NewTicket }) { kind }: z.infer<typeof NewTicket>,
  ): Promise<TicketView> {
    const id = sessionIdIn(path);
    const { ticket, expiresAt } = orRefuse(await this.issuing.issue(caller, id, kind));
    const base = this.settings.publicUrl.replace(/^http/, 'ws');
    return {
      ticket,
      kind,
      expiresAt: expiresAt.toISOString(),
      protocol: PROTOCOLS[kind],
      url: `${base}${sessionPath(id)}/${kind}`,
    };
  }
}
