import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { inTrace } from '../../app/caller.js';
import type { Entry } from '../../app/enter-session.js';
import { EnterSession } from '../../app/enter-session.js';
import { Journal } from '../../app/ports/journal.js';
import { RedeemTicket } from '../../app/redeem-ticket.js';
import { WatchScreen } from '../../app/watch-screen.js';
import { TerminalQuery } from '../../contract/terminal.schema.js';
import type { SessionId } from '../../domain/session/session.js';
import type { TicketKind } from '../../domain/ticket.js';
import { ByTicket } from './access.decorators.js';
import { addressOf } from './caller.address.js';
import { DatabaseOutage } from './database.outage.js';
import { HttpSettings } from './http.settings.js';
import { SocketOperation } from './operation.decorator.js';
import { Refused, orRefuse } from './refused.error.js';
import { traceparentOf } from './request.traces.js';
import { relayScreen } from './screen.relay.js';
import { sessionIdIn } from './session.id.js';
import type { SocketConnection } from './socket.connection.js';
import { relayTerminal } from './terminal.relay.js';
import { offerRefusal, ticketOf } from './ticket.offer.js';
import { takeUpgrade } from './upgrades.js';
import { WebSockets } from './web.sockets.js';

const SIZE = { columns: 80, rows: 24 };

/** The connections of a session. Whom they are for is in their tickets: the guard has nothing to ask. */
@Controller('v1/sessions/:id')
export class TerminalController {
  constructor(
    private readonly entering: EnterSession,
    private readonly watching: WatchScreen,
    private readonly redeeming: RedeemTicket,
    private readonly sockets: WebSockets,
    private readonly settings: HttpSettings,
    private readonly journal: Journal,
    private readonly outage: DatabaseOutage,
  ) {}

  @Get('terminal')
  @ByTicket()
  @SocketOperation({
    id: 'openTerminal',
    kind: 'terminal',
    summary: 'Enter a session',
    description: 'A terminal, or one command, in the session’s container: docs/terminal.md.',
  })
  async terminal(
    @Param('id') path: string,
    @Query({ schema: TerminalQuery }) query: z.infer<typeof TerminalQuery>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = sessionIdIn(path);
    const opened = await this.open('terminal', session, { request, reply });
    if (!opened) return;
    const { caller, connection } = opened;
    const entry = entryOf(session, query, caller);
    const deps = { ...this.relaying(), enter: this.entering };
    this.sockets.serve(relayTerminal(deps, connection, { caller, entry }));
  }

  @Get('watch')
  @ByTicket()
  @SocketOperation({
    id: 'watchSession',
    kind: 'watch',
    summary: 'Watch a session live',
    description: 'What is shown in the session, as it is recorded: docs/terminal.md.',
  })
  async watch(
    @Param('id') path: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = sessionIdIn(path);
    const opened = await this.open('watch', session, { request, reply });
    if (!opened) return;
    const { caller, connection } = opened;
    const deps = { ...this.relaying(), watching: this.watching };
    this.sockets.serve(relayScreen(deps, connection, { caller, session }));
  }

  /** Uses the ticket up, and takes the connection over; undefined where the client has left meanwhile. */
  private async open(
    kind: TicketKind,
    session: SessionId,
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ): Promise<{ caller: Caller; connection: SocketConnection } | undefined> {
    const refusal = offerRefusal(request.raw, kind, this.settings);
    if (refusal) throw new Refused(refusal);
    const address = addressOf(request);
    const redeemed = orRefuse(
      await this.redeeming.redeem({
        ticket: ticketOf(request.raw),
        session,
        kind,
        requestId: request.id,
        ...(address === undefined ? {} : { address }),
      }),
    );
    const busy = this.sockets.refusal(redeemed);
    if (busy) throw new Refused(busy);
    const caller = inTrace(redeemed, traceparentOf(request.raw));
    const upgrade = takeUpgrade(request, reply);
    const connection = upgrade && this.sockets.accept(kind, upgrade, caller);
    return connection && { caller, connection };
  }

  private relaying() {
    return {
      journal: this.journal,
      outage: this.outage,
      settings: this.settings.sockets,
    };
  }
}

function entryOf(session: SessionId, query: TerminalQuery, caller: Caller): Entry {
  const { command, tty, stdin, columns, rows } = query;
  const isShell = command === undefined || command.length === 0;
  return {
    session,
    kind: isShell ? 'terminal' : 'exec',
    way: caller.actor.channel === 'cli' ? 'cli' : 'console',
    command: isShell ? null : command,
    tty: tty === undefined ? isShell : tty === 'true',
    stdin: stdin !== 'false',
    size: { columns: columns ?? SIZE.columns, rows: rows ?? SIZE.rows },
  };
}
