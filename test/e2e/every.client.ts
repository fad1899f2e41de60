import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { VersionApi } from '@kubernetes/client-node';
import WebSocket from 'ws';
import { WebhookAnchor } from '../../src/adapters/anchors/webhook.anchor.js';
import { PooledKubeConfig } from '../../src/adapters/kubernetes/pooled.kubeconfig.js';
import { fetchJson } from '../../src/adapters/net/json.fetch.js';
import { EmailChannel } from '../../src/adapters/notify/email.channel.js';
import { GuardedPost } from '../../src/adapters/notify/guarded.post.js';
import { OpenIdSignIn } from '../../src/adapters/oidc/browser.sign-in.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { asOwner } from '../../src/adapters/prisma/owner.connection.js';
import { s3Client } from '../../src/adapters/s3/s3.client.js';
import { HttpsPost } from '../../src/adapters/sinks/https.post.js';
import { SyslogSink } from '../../src/adapters/sinks/syslog.sink.js';
import { WebSlackApi } from '../../src/adapters/slack/slack.api.js';
import { OtlpExporter } from '../../src/adapters/tracing/otlp.exporter.js';
import { Secret } from '../../src/config/secret.js';
import { kubeconfigOf } from '../support/kubeconfig.js';

const signal = AbortSignal.timeout(10_000);
const secret = new Secret('secret');
const https = (port: number): string => `https://127.0.0.1:${port}`;
const postgres = (port: number): string =>
  `postgresql://hallpass:x@127.0.0.1:${port}/hallpass?sslmode=verify-full`;

function cluster(port: number): PooledKubeConfig {
  const config = new PooledKubeConfig();
  config.loadFromString(kubeconfigOf({ server: https(port) }));
  return config;
}

/** Everything of Hallpass that connects to others by TLS, none with authorities of its own, to a port of this machine. */
export const CLIENTS = {
  database: (port) => {
    const { pool } = new Database({ url: postgres(port), poolSize: 1 }, () => undefined);
    return pool.query('SELECT 1');
  },
  migrations: (port) => asOwner(postgres(port), () => Promise.resolve()),
  'keys of an issuer, and on call': (port) => fetchJson(https(port), { signal, bytesMax: 100 }),
  'sign-in': (port) => {
    const client = { clientId: 'a', clientSecret: () => null, scopes: [], resource: null };
    const verifier = { verify: () => Promise.reject(new Error('nobody')) };
    const clients = [{ ...client, issuer: https(port) }];
    return new OpenIdSignIn({ clients, redirectUri: https(port), verifier }).begin(https(port));
  },
  'calls of a cluster': (port) => cluster(port).makeApiClient(VersionApi).getCode(),
  'streams of a cluster': async (port) => {
    const { server, options } = await cluster(port).webSocketOptions();
    const socket = new WebSocket(server, options);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    socket.on('error', () => undefined).on('close', () => resolve(undefined));
    return promise;
  },
  s3: (port) => {
    const where = { bucket: 'a', prefix: '', region: 'eu', endpoint: https(port) };
    const keys = { accessKeyId: 'a', secretAccessKey: secret };
    return s3Client({ ...where, ...keys, forcePathStyle: true }).send(new ListBucketsCommand());
  },
  slack: (port) => new WebSlackApi({ token: secret, url: `${https(port)}/` }).self(),
  channel: (port) =>
    new GuardedPost(() => https(port), { allowPrivate: true, caPem: null }).post('{}', {}, signal),
  mail: (port) => {
    const server = { host: '127.0.0.1', port, security: 'tls', auth: null, caPem: null } as const;
    const who = { from: 'a@example.com', to: ['b@example.com'], domain: 'example.com' };
    const mail = new EmailChannel({ name: 'a', kind: 'email', fingerprint: '', ...server, ...who });
    const { at, ...rest } = { at: new Date(0).toISOString(), cluster: null, namespace: null };
    const body = { ...rest, at, id: 'a', kind: 'break-glass', urgency: 'wake' } as const;
    const words = { title: 'a', sentence: 'a', session: null, details: {}, url: null };
    const notice = { id: 1n, kind: 'break-glass', thread: 'a', alarm: null, closes: [] } as const;
    return mail.tell({ ...notice, body: { ...body, ...words } }, signal);
  },
  sink: (port) => new HttpsPost(https(port), null).post('{}', {}, signal),
  syslog: (port) => {
    const how = { kind: 'syslog', format: 'jsonl', batch: 1, everyMs: 1 } as const;
    const sink = new SyslogSink({ name: 'a', ...how, host: '127.0.0.1', port, caPem: null });
    return sink.deliver([{ index: 0, text: '{}', fields: {} }], signal);
  },
  anchor: (port) => {
    const anchor = new WebhookAnchor({
      name: 'a',
      everySeconds: 1,
      url: https(port),
      secret: null,
    });
    const head = { origin: 'a', size: 1, root: Buffer.alloc(32), note: 'a' };
    return anchor.put({ ...head, signedAt: new Date() });
  },
  traces: (port) => {
    const settings = { endpoint: https(port), headers: {}, caPem: null };
    const exporter = new OtlpExporter(settings, { againMs: 1 });
    return new Promise((resolve) => exporter.export([], resolve));
  },
} satisfies Readonly<Record<string, (port: number) => Promise<unknown>>>;
