import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { WebClient } from '@slack/web-api';
import { createTransport } from 'nodemailer';
import * as openid from 'openid-client';
import { SMTPServer } from 'smtp-server';
import { Agent, interceptors, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { makeLogger } from '../../src/adapters/log/pino.journal.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { s3Client } from '../../src/adapters/s3/s3.client.js';
import { SILENT } from '../../src/adapters/slack/slack.api.js';
import { Secret } from '../../src/config/secret.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

const SECRET = 'hunter2hunter2';
const NOTHING = 'noSuchColumn';

let fresh: TestDatabase;
let database: Database;
let server: Server;
let mail: SMTPServer;
let url: string;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 2 }, () => undefined);
  // Refuses everything, and tells its secret in every way that it has.
  server = createServer((asked, response) => {
    asked.resume();
    response.writeHead(403, {
      'content-type': 'application/json',
      'x-token': SECRET,
      'set-cookie': SECRET,
      'x-amz-request-id': SECRET,
    });
    response.end(JSON.stringify({ error: 'invalid_grant', error_description: SECRET }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mail = new SMTPServer({
    authOptional: false,
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(new Error(`password=${SECRET}`)),
  });
  await new Promise<void>((resolve) => {
    mail.listen(0, '127.0.0.1', () => resolve());
  });
});
afterAll(async () => {
  mail.close(() => undefined);
  server.closeAllConnections();
  server.close();
  await database.close();
  await fresh.drop();
});

/** What each library that we use throws, with the secret in it: in the question, or in what it was answered. */
const THROWS: Readonly<Record<string, () => unknown>> = {
  'pg, of a value that no type takes': () => database.pool.query('SELECT $1::uuid', [SECRET]),
  'pg, of a value that is there already': async () => {
    const client = await database.pool.connect();
    try {
      await client.query('CREATE TEMP TABLE IF NOT EXISTS kept (name text PRIMARY KEY)');
      await client.query('INSERT INTO kept VALUES ($1), ($1)', [SECRET]);
    } finally {
      client.release();
    }
  },
  'Node, of an address that is none': () => new URL(`postgresql://hallpass:${SECRET}@db:port/a`),
  'Prisma, of a call that is none': () =>
    database.prisma.session.findFirst({ where: { [NOTHING]: SECRET, id: SECRET } }),
  'Prisma, of a value in SQL': () => database.prisma.$queryRaw`SELECT ${SECRET}::uuid`,
  'fetch, of an address with a password': () => fetch(`http://hallpass:${SECRET}@127.0.0.1:1/`),
  'undici, of an answer': () =>
    request(`${url}/?token=${SECRET}`, {
      headers: { authorization: `Bearer ${SECRET}` },
      dispatcher: new Agent().compose(interceptors.responseError()),
    }),
  'client-node, of an answer': () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'a', server: url, skipTLSVerify: true },
      { name: 'u', token: SECRET },
    );
    return config.makeApiClient(CoreV1Api).readNamespacedPod({ name: 'web', namespace: 'staging' });
  },
  'client-node, of a kubeconfig': () =>
    new KubeConfig().loadFromString(`users:\n- name: u\n  user: {token: ${SECRET}: [\n`),
  'Slack, of an answer': () =>
    new WebClient(SECRET, {
      slackApiUrl: `${url}/`,
      logger: SILENT,
      retryConfig: { retries: 0 },
    }).auth.test(),
  'S3, of an answer': () =>
    s3Client({
      endpoint: url,
      region: 'eu-central-1',
      bucket: 'b',
      prefix: '',
      forcePathStyle: true,
      accessKeyId: 'AKIA',
      secretAccessKey: new Secret(SECRET),
    }).send(new GetObjectCommand({ Bucket: 'b', Key: SECRET })),
  'nodemailer, of a refused sign-in': () =>
    createTransport({
      host: '127.0.0.1',
      port: (mail.server.address() as AddressInfo).port,
      auth: { user: 'hallpass', pass: SECRET },
    }).sendMail({ from: 'a@b.example', to: 'c@d.example', text: SECRET }),
  'openid-client, of an answer': () => {
    const metadata = { issuer: url, token_endpoint: `${url}/token` };
    const config = new openid.Configuration(metadata, 'hallpass', SECRET);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- a server of this very process
    openid.allowInsecureRequests(config);
    return openid.clientCredentialsGrant(config);
  },
  'ws, of an answer': async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/?ticket=${SECRET}`, {
      headers: { authorization: `Bearer ${SECRET}` },
    });
    const error: unknown = await once(socket, 'open').catch((it: unknown) => it);
    throw error instanceof Error ? Object.assign(error, { socket }) : new Error('it was let in');
  },
  'yaml, of a document': () => parse(`token: ${SECRET}: [\n`),
  'JSON, of a text': () => JSON.parse(SECRET),
};

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test.each(Object.entries(THROWS))('the log has nothing of a secret: %s', async (_, work) => {
  const error = await thrownBy(work);
  expect(inspect(error, { depth: 20, showHidden: true })).toContain(SECRET);
  for (const format of ['json', 'pretty'] as const) {
    let text = '';
    const kept = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        text += chunk.toString();
        done();
      },
    });
    const logger = makeLogger({ level: 'info', format }, undefined, kept);
    logger.error(error);
    logger.error({ err: error }, 'as an error');
    logger.error({ cause: error }, 'as a cause');
    logger.error({ err: new Error('outer', { cause: error }) }, 'as the cause of another');
    logger.error({ err: new AggregateError([error], 'several') }, 'as one of several');
    logger.error({ problem: { detail: 'x', cause: error } }, 'somewhere in the facts');
    await expect.poll(() => text).toContain('somewhere in the facts');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('hunter2');
    const name = error instanceof Error ? error.constructor.name : 'Error';
    expect(text).toContain(name);
    if (format === 'json') for (const line of text.trim().split('\n')) JSON.parse(line);
  }
});
