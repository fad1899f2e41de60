import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Allow } from '../../src/adapters/http/access.decorators.js';
import { takeUpgrade } from '../../src/adapters/http/upgrades.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

const sockets = new WebSocketServer({ noServer: true });

@Controller('v1/echo')
class EchoController {
  @Get()
  @Allow('session:use')
  echo(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const upgrade = takeUpgrade(request, reply);
    if (!upgrade) return void reply.status(426).send();
    sockets.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
      socket.on('message', (data) => {
        socket.send(data);
      });
    });
  }
}

let api: Api;
beforeAll(async () => {
  api = await startApi({ deps: { controllers: [EchoController] } });
});
afterAll(async () => {
  sockets.close();
  await api.close();
});

function connect(path: string, who?: string): WebSocket {
  const headers = who === undefined ? {} : { authorization: `Bearer ${who}` };
  return new WebSocket(`ws://127.0.0.1:${api.port}${path}`, { headers });
}

async function refusalOf(socket: WebSocket): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('was let in')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (data: Buffer) => (body += data.toString('utf8')));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
}

describe('a request to upgrade', () => {
  test('reaches its handler, which takes the connection over', async () => {
    const socket = connect('/v1/echo', 'robin');
    const said = await new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send('hello'));
      socket.on('message', (data) => resolve((data as Buffer).toString('utf8')));
    });
    expect(said).toBe('hello');
    socket.close();
  });

  test('without a token is refused like any other request', async () => {
    const { status, body } = await refusalOf(connect('/v1/echo'));
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ type: 'urn:hallpass:problem:unauthenticated' });
  });

  test('by somebody who may not is refused with the permission', async () => {
    const { status, body } = await refusalOf(connect('/v1/echo', 'auditor'));
    expect(status).toBe(403);
    expect(body).toContain('session:use');
  });

  test('to nowhere is answered like any address that is not there', async () => {
    expect(await refusalOf(connect('/v1/nowhere', 'robin'))).toMatchObject({ status: 404 });
  });

  test('to an address that has none is answered by its handler', async () => {
    expect(await refusalOf(connect('/v1/clusters', 'robin'))).toMatchObject({ status: 200 });
  });

  test('that was refused is closed, whether its client closes or not', async () => {
    const open = () =>
      new Promise<number>((resolve, reject) => {
        api.app.getHttpServer().getConnections((error: Error | null, count: number) => {
          if (error) reject(error);
          else resolve(count);
        });
      });
    const before = await open();
    const halfOpen = Array.from({ length: 5 }, () => {
      const client = connectSocket({ port: api.port, host: '127.0.0.1', allowHalfOpen: true });
      client.on('error', () => undefined);
      client.write(
        'GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nmore',
      );
      return client;
    });
    for (const client of halfOpen) {
      const [answer] = (await once(client, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
    }
    await expect.poll(open).toBeLessThanOrEqual(before);
    for (const client of halfOpen) client.destroy();
  });

  test('whose client goes away at once harms nobody', async () => {
    const socket = connect('/v1/echo', 'robin');
    socket.on('error', () => undefined);
    socket.terminate();
    expect(await refusalOf(connect('/v1/clusters', 'robin'))).toMatchObject({ status: 200 });
  });
});
