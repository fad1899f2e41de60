import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { PROBLEMS } from '../../domain/problem.js';
import { refuseStrangers } from './api-audit.access.js';
import { depthMaxOf, limitBody } from './body.limit.js';
import { ApiDescription } from './docs.controller.js';
import { refuseHead } from './get.only.js';
import { clientErrorProblem, frameworkProblem } from './framework.errors.js';
import type { HttpDeps } from './http.module.js';
import { HttpModule } from './http.module.js';
import type { HttpSettings } from './http.settings.js';
import { REQUEST_BOUNDS } from './http.settings.js';
import { parseJsonBody } from './json.body.js';
import { measureAnswers } from './measured.answers.js';
import { openApiDocument } from './openapi.document.js';
import { closeOrderly } from './orderly.close.js';
import { problemBytes, problemHeaders, rawProblemResponse } from './problem.document.js';
import { takeForms } from './pages/page.bodies.js';
import { takeKubeBodies } from './kube/kube.bodies.js';
import { requestIdOf } from './request.id.js';
import { traceRequests } from './request.traces.js';
import { RouteTable } from './route.table.js';
import { securityHeaders } from './security.headers.js';
import { takeSlack } from './slack.address.js';
import { routeUpgrades } from './upgrades.js';

/**
 * The API, put together and not yet listening: `await app.listen(port, host)`, later `await app.close()`, which ends
 * open streams first.
 */
export async function createHttpApp(deps: HttpDeps): Promise<NestFastifyApplication> {
  const { settings } = deps;
  const routes = new RouteTable();
  const adapter = new FastifyAdapter(adapterOptions(settings));
  prepare(adapter.getInstance(), routes, deps);
  const app = await NestFactory.create<NestFastifyApplication>(
    HttpModule.register(deps, routes),
    adapter,
    { bodyParser: false, bufferLogs: true, abortOnError: false },
  );
  app.useLogger(app.get(Logger));
  const document = openApiDocument(app, settings);
  app.get(ApiDescription).set(document);
  // The page tries the API where it was loaded from, whatever name that has.
  SwaggerModule.setup(
    'docs',
    app,
    { ...document, servers: [{ url: '/' }] },
    {
      raw: false,
      customSiteTitle: 'Hallpass API',
      swaggerOptions: { url: '/openapi.json', validatorUrl: null, persistAuthorization: false },
    },
  );
  await app.init();
  await adapter.getInstance().ready();
  return app;
}

/** Serves new connections with another certificate; those that are open stay as they are. */
export function renewTls(app: NestFastifyApplication, texts: { cert: string; key: string }): void {
  const server: unknown = app.getHttpServer();
  if (server instanceof TlsServer) server.setSecureContext({ ...texts, minVersion: TLS_MIN });
}

const TLS_MIN = 'TLSv1.2';

/** The addresses by which sessions are ended, or consents refused. */
const ENDING = /^\/(?:v1\/)?sessions\/[^/]+\/(?:end|revoke|decisions|decide)(?:$|\?)/;

function adapterOptions(settings: HttpSettings) {
  return {
    logger: false,
    bodyLimit: REQUEST_BOUNDS.bodyBytesMax,
    requestTimeout: REQUEST_BOUNDS.requestSeconds * 1000,
    connectionTimeout: REQUEST_BOUNDS.idleSeconds * 1000,
    keepAliveTimeout: REQUEST_BOUNDS.keepAliveSeconds * 1000,
    trustProxy: trustOf(settings.trustProxy),
    genReqId: requestIdOf,
    requestIdHeader: false as const,
    // Whoever still comes while the server closes is served like anybody else, and the connection closed.
    return503OnClosing: false,
    routerOptions: {
      // As long as headers may be: a path that is too long for a session's id is answered like any other wrong id.
      maxParamLength: REQUEST_BOUNDS.headerBytesMax,
      caseSensitive: true,
    },
    frameworkErrors,
    clientErrorHandler,
    ...serverOptions(settings),
  };
}

function serverOptions({ tls }: HttpSettings) {
  const bounds = { maxHeaderSize: REQUEST_BOUNDS.headerBytesMax };
  return tls
    ? {
        https: {
          ...bounds,
          cert: tls.cert,
          key: tls.key,
          minVersion: TLS_MIN as typeof TLS_MIN,
          handshakeTimeout: 10_000,
        },
      }
    : { http: bounds };
}

/** `true` believes whoever connects, and nobody behind them: what they forward cannot be checked. */
function trustOf(
  trust: HttpSettings['trustProxy'],
): boolean | string[] | ((address: string, hop: number) => boolean) {
  if (typeof trust !== 'boolean') return [...trust];
  return trust ? (_address, hop) => hop === 0 : false;
}

function isHttps(settings: HttpSettings): boolean {
  return settings.tls !== undefined || settings.publicUrl.startsWith('https:');
}

function prepare(
  instance: FastifyInstance,
  routes: RouteTable,
  { settings, receiveAudit, slackInbox, draining, urgently, stopwatch, tracer }: HttpDeps,
): void {
  const https = isHttps(settings);
  instance.addHook('onRoute', (route) => {
    if (!refuseHead(route)) routes.add(route.method, route.url);
    limitBody(route);
  });
  if (tracer) traceRequests(instance, tracer);
  instance.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...securityHeaders(request.url, https), 'x-request-id': request.id });
    refuseStrangers(request, reply, receiveAudit);
  });
  // After the body, whose reading forgets in whose name it is done.
  instance.addHook('preValidation', (request, _reply, done) => {
    if (urgently && ENDING.test(request.url)) urgently(done);
    else done();
  });
  if (stopwatch) measureAnswers(instance, stopwatch);
  closeOrderly(instance, draining);
  routeUpgrades(instance);
  instance.removeAllContentTypeParsers();
  takeKubeBodies(instance);
  takeForms(instance);
  instance.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, body, done) => {
      try {
        done(null, parseJsonBody(Buffer.from(body), request.headers, depthMaxOf(request)));
      } catch (error) {
        done(
          error instanceof Error ? error : new Error('the body was not parsed', { cause: error }),
        );
      }
    },
  );
  if (slackInbox) takeSlack(instance, slackInbox);
}

/** URLs that the router itself refuses: they reach no hook and no filter. */
function frameworkErrors(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = frameworkProblem(error) ?? clientErrorProblem({});
  const id = requestIdOf(request.raw);
  void reply
    .status(PROBLEMS[problem.problem].status)
    .headers({ ...securityHeaders('/', false), ...problemHeaders(problem), 'x-request-id': id })
    .send(problemBytes(problem, id));
}

/** What is not HTTP, has too large headers, or does not arrive in time: there is no request to answer, only a socket. */
function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawProblemResponse(clientErrorProblem(error), randomUUID()));
}
