import type { ExecutionContext } from '@nestjs/common';
import { Controller, Get, HttpException, Injectable, Module, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BEARER_STRATEGY,
  BearerStrategy,
  bearerStrategy,
} from '../../src/adapters/oidc/bearer.strategy.js';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { Clock } from '../../src/app/ports/clock.js';
import { Journal } from '../../src/app/ports/journal.js';
import type { Principal } from '../../src/adapters/oidc/principal.js';
import { isProblem, PROBLEMS } from '../../src/domain/problem.js';
import { LoopbackIssuer } from './loopback.issuer.js';

const wallClock = {
  get seconds(): number {
    return Math.floor(Date.now() / 1000);
  },
};
let issuer: LoopbackIssuer;
let app: NestFastifyApplication;
const warned: unknown[] = [];

/** What the HTTP side does with a refusal, in short. */
@Injectable()
class SignedIn extends AuthGuard(BEARER_STRATEGY) {
  override handleRequest<User>(
    error: unknown,
    user: User | false,
    info: unknown,
    _context: ExecutionContext,
  ): User {
    if (error instanceof Error) throw error;
    if (user) return user;
    if (!isProblem(info)) throw new Error('neither a user nor a refusal');
    const { problem, detail } = info;
    throw new HttpException({ problem, detail }, PROBLEMS[problem].status);
  }
}

@Controller()
class WhoAmI {
  @Get('/me')
  @UseGuards(SignedIn)
  me(@Req() request: { user: Principal }): Principal {
    return request.user;
  }
}

beforeAll(async () => {
  issuer = await LoopbackIssuer.start(wallClock);
  @Module({
    controllers: [WhoAmI],
    providers: [
      { provide: Clock, useValue: { now: () => new Date() } },
      { provide: Journal, useValue: { warn: (...line: unknown[]) => void warned.push(line) } },
      ...bearerStrategy(issuer.identity()),
    ],
  })
  class Application {}
  app = await NestFactory.create<NestFastifyApplication>(Application, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  await issuer.close();
});

async function me(
  { authorization, ...headers }: Record<string, string | undefined> = {},
  path = '/me',
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${await app.getUrl()}${path}`, {
    headers: { ...headers, ...(authorization !== undefined && { authorization }) },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a handler behind the bearer strategy on Fastify', () => {
  it('knows who asks', async () => {
    const token = await issuer.sign({ groups: ['oncall'], email: 'robin@example.com' });
    expect(await me({ authorization: `Bearer ${token}` })).toEqual({
      status: 200,
      body: {
        person: {
          iss: issuer.url,
          sub: 'robin',
          email: 'robin@example.com',
          groups: ['oncall'],
        },
        signIn: { issuedAt: expect.any(Number) as number },
        expiresAt: expect.any(String) as string,
      },
    });
  });

  it('is told who asks for each of many who ask at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
    const answers = await Promise.all(
      names.map(async (sub) => me({ authorization: `bearer ${await issuer.sign({ sub })}` })),
    );
    expect(answers.map(({ body }) => (body.person as { sub: string }).sub)).toEqual(names);
  });

  it.each([
    ['no token', () => ({})],
    ['another scheme', (token: string) => ({ authorization: `Basic ${token}` })],
    ['the scheme alone', () => ({ authorization: 'Bearer' })],
    ['the token alone', (token: string) => ({ authorization: token })],
    ['text behind the token', (token: string) => ({ authorization: `Bearer ${token} x` })],
    ['text before the scheme', (token: string) => ({ authorization: `x, Bearer ${token}` })],
    ['the token in a cookie', (token: string) => ({ cookie: `access_token=${token}` })],
    ['the token in another header', (token: string) => ({ 'x-access-token': token })],
  ])('refuses %s, and says where the token goes', async (_what, headers) => {
    const { status, body } = await me(headers(await issuer.sign()));
    expect(status).toBe(401);
    expect(body.problem).toBe('unauthenticated');
    expect(body.detail).toMatch(/Authorization header/);
  });

  it('refuses a token in the address, where logs and proxies would keep it', async () => {
    const token = await issuer.sign();
    for (const name of ['access_token', 'auth_token', 'token', 'jwt']) {
      expect(await me({}, `/me?${name}=${token}`)).toMatchObject({ status: 401 });
    }
  });

  it('refuses a bad token without repeating any of it', async () => {
    const [header, payload] = (await issuer.sign()).split('.');
    const { status, body } = await me({ authorization: `Bearer ${header}.${payload}.AAAA` });
    expect(status).toBe(401);
    expect(JSON.stringify(body)).not.toContain(payload);
  });

  it('asks to try again when the keys cannot be had', async () => {
    const other = await LoopbackIssuer.start(wallClock);
    const unreachable = new TokenVerifier(other.identity(), { onFetchFailed: () => undefined });
    const token = await other.sign();
    await other.close();
    const strategy = new BearerStrategy(unreachable);
    strategy.onModuleInit();
    try {
      expect(await me({ authorization: `Bearer ${token}` })).toMatchObject({
        status: 503,
        body: { problem: 'identity-unavailable' },
      });
    } finally {
      app.get(BearerStrategy).onModuleInit();
    }
  });

  it('leaves a failed fetch of keys in the journal', async () => {
    issuer.fault = (_request, response) => response.writeHead(500).end();
    await me({ authorization: `Bearer ${await issuer.sign({}, { kid: 'new' })}` });
    issuer.fault = undefined;
    expect(warned).toEqual([
      [expect.objectContaining({ issuer: issuer.url }), expect.stringMatching(/keys/)],
    ]);
  });
});
