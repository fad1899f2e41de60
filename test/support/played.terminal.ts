import { randomBytes } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { Allow, Public } from '../../src/adapters/http/access.decorators.js';
import { takeUpgrade } from '../../src/adapters/http/upgrades.js';

/** What a test sees of the terminals that were opened, and does to them. */
export class PlayedTerminals {
  readonly opened: { readonly session: string; readonly query: URLSearchParams }[] = [];
  readonly resizes: { columns: number; rows: number }[] = [];
  readonly typed: Buffer[] = [];
  readonly sockets = new Set<WebSocket>();
  /** What the next tickets are refused with; none: they are given. */
  refusal: { status: number; code: string; detail: string } | undefined;

  /** Sends what a broker would. */
  say(message: object): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(message));
  }

  end(end: object, closeCode = 1000): void {
    this.say({ type: 'end', ...end });
    for (const socket of this.sockets) socket.close(closeCode);
  }

  /** The network breaks: no end, no close frame. */
  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }
}

/** Plays the terminal's protocol (docs/terminal.md): a small shell, and a few programs by their name. */
export function playedTerminals(): { terminals: PlayedTerminals; controller: new () => object } {
  const terminals = new PlayedTerminals();
  const tickets = new Set<string>();
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });

  @Controller('v1/sessions/:id')
  class PlayedTerminalController {
    @Post('tickets')
    @HttpCode(201)
    @Allow('session:use')
    ticket(@Res() reply: FastifyReply): void {
      const { refusal } = terminals;
      if (refusal) {
        const { code, ...rest } = refusal;
        void reply.status(refusal.status).send({
          type: `urn:hallpass:problem:${code}`,
          title: 'No',
          instance: 'urn:request:1',
          ...rest,
        });
        return;
      }
      const ticket = randomBytes(32).toString('base64url');
      tickets.add(ticket);
      void reply.status(201).send({ ticket, kind: 'terminal' });
    }

    @Get('terminal')
    @Public()
    terminal(
      @Param('id') session: string,
      @Req() request: FastifyRequest,
      @Res() reply: FastifyReply,
    ): void {
      const ticket = request.headers.authorization?.replace('Bearer ', '') ?? '';
      if (!tickets.delete(ticket)) return void reply.status(401).send({});
      const upgrade = takeUpgrade(request, reply);
      if (!upgrade) return void reply.status(426).send();
      const query = new URL(request.url, 'http://x').searchParams;
      server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
        terminals.opened.push({ session, query });
        terminals.sockets.add(socket);
        socket.on('close', () => terminals.sockets.delete(socket));
        socket.send(JSON.stringify({ type: 'open', session, recording: 'r1' }));
        play(socket, query.getAll('command'), terminals);
      });
    }
  }
  return { terminals, controller: PlayedTerminalController };
}

function play(socket: WebSocket, command: readonly string[], terminals: PlayedTerminals): void {
  const out = (data: Uint8Array | string, channel = 1): void =>
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data as string)]));
  const exit = (code: number): void => {
    socket.send(JSON.stringify({ type: 'end', kind: 'exited', code }));
    socket.close(1000);
  };
  const program = PROGRAMS[command[0] ?? 'shell'];
  const running = program?.(out, exit);
  if (!running) return exit(127);
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) {
      const message = JSON.parse(data.toString('utf8')) as { columns: number; rows: number };
      terminals.resizes.push(message);
      return;
    }
    const bytes = data.subarray(1);
    if (data[0] === 255) running.closed();
    else {
      terminals.typed.push(bytes);
      running.typed(bytes);
    }
  });
}

interface Running {
  typed(bytes: Buffer): void;
  closed(): void;
}
type Out = (data: Uint8Array | string, channel?: number) => void;
type Played = (out: Out, exit: (code: number) => void) => Running;

const PROGRAMS: Readonly<Record<string, Played>> = {
  /** Echoes what is typed, and ends at `exit N`. */
  shell: (out, exit) => {
    let line = '';
    out('$ ');
    return {
      typed: (bytes) => {
        for (const character of bytes.toString('utf8')) {
          if (character !== '\r') {
            line += character;
            out(character);
            continue;
          }
          const code = /^exit (\d+)$/.exec(line)?.[1];
          if (code !== undefined) return exit(Number(code));
          out(`\r\nran ${line}\r\n$ `);
          line = '';
        }
      },
      closed: () => exit(0),
    };
  },
  cat: (out, exit) => ({ typed: (bytes) => out(bytes), closed: () => exit(0) }),
  /** Says something on both channels and fails. */
  both: (out, exit) => {
    out('to output');
    out('to errors', 2);
    exit(7);
    return { typed: () => undefined, closed: () => undefined };
  },
  /** Never ends by itself. */
  sleep: () => ({ typed: () => undefined, closed: () => undefined }),
};
