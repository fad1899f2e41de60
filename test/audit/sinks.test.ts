import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { createEmulator } from 'emulate';
import { createServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { SinkAway } from '../../src/app/ports/sink.js';
import type { Sink } from '../../src/app/ports/sink.js';
import { Secret } from '../../src/config/secret.js';
import type { SinkConfig } from '../../src/config/sinks.section.js';
import { sinkOf } from '../../src/log.sinks.js';
import {
  certificate,
  httpReceiver,
  someEvents,
  syslogReceiver,
} from '../support/sink.receivers.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const common = { name: 'siem', format: 'jsonl', batch: 100, everyMs: 1000 } as const;
const never = new AbortController().signal;

let pair: { key: string; cert: string };
beforeAll(async () => {
  pair = await certificate();
});

function opened(config: SinkConfig): { sink: Sink } & AsyncDisposable {
  const sink = sinkOf(config);
  return { sink, [Symbol.asyncDispose]: () => sink.close() };
}

function webhook(port: number, over: { format?: 'jsonl' | 'ocsf' } = {}): SinkConfig {
  const url = `http://127.0.0.1:${port}/hook`;
  return { ...common, ...over, kind: 'webhook', url, secret: new Secret(SECRET), caPem: null };
}

function splunk(port: number, caPem: string | null = pair.cert): SinkConfig {
  const url = `https://localhost:${port}`;
  const token = new Secret('the-token');
  return { ...common, format: 'ocsf', kind: 'splunk', url, token, index: 'audit', caPem };
}

function syslog(port: number, caPem: string | null = pair.cert): SinkConfig {
  return { ...common, kind: 'syslog', host: 'localhost', port, caPem };
}

/** The messages of a stream with RFC 5425's framing. */
function messagesOf(stream: string): string[] {
  const bytes = Buffer.from(stream);
  const messages: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(' ', at);
    const end = space + 1 + Number(bytes.toString('latin1', at, space));
    messages.push(bytes.toString('utf8', space + 1, end));
    at = end;
  }
  return messages;
}

describe('a webhook', () => {
  test('gets events that the library of Standard Webhooks verifies, each as it is in the log', async () => {
    await using receiver = await httpReceiver(() => ({ status: 204 }));
    await using hook = opened(webhook(receiver.port));
    const events = someEvents(3, 40);
    expect(await hook.sink.deliver(events, never)).toBe('taken');
    const [post] = receiver.posts;
    const headers = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
        name,
        String(post?.headers[name]),
      ]),
    );
    expect(headers['webhook-id']).toBe('siem-40-42');
    expect(new Webhook(SECRET).verify(post?.body ?? '', headers)).toMatchObject({
      type: 'audit.events',
      timestamp: '2026-11-28T10:00:00.500Z',
      data: { first: 40, last: 42, events: events.map(({ fields }) => fields) },
    });
    expect(post?.body).toContain(events[0]?.text);
    expect(() => new Webhook(SECRET).verify(`${post?.body ?? ''} `, headers)).toThrow();
  });

  test.each([400, 413, 422])('that answers %d refuses for good', async (status) => {
    await using receiver = await httpReceiver(() => ({ status }));
    await using hook = opened(webhook(receiver.port));
    const told = await hook.sink.deliver(someEvents(1), never);
    expect(told).toEqual({ refused: `answered ${status}` });
  });

  test.each([301, 401, 403, 404, 410, 429, 500, 503])(
    'that answers %d is tried again, when it asks to be, and is followed nowhere',
    async (status) => {
      const headers = { 'retry-after': '7', location: '/elsewhere' };
      await using receiver = await httpReceiver(() => ({ status, headers }));
      await using hook = opened(webhook(receiver.port));
      const failure = await hook.sink.deliver(someEvents(1), never).catch((it: unknown) => it);
      expect(failure).toBeInstanceOf(SinkAway);
      expect(failure).toMatchObject({ afterMs: 7000 });
      expect(receiver.posts.map(({ path }) => path)).toEqual(['/hook']);
    },
  );

  test('that is not there is tried again', async () => {
    await using hook = opened(webhook(1));
    await expect(hook.sink.deliver(someEvents(1), never)).rejects.toBeInstanceOf(SinkAway);
  });
});

describe('Splunk', () => {
  test('gets events with their times, index and places, over TLS', async () => {
    await using receiver = await httpReceiver(() => ({ status: 200, body: '{"code":0}' }), pair);
    await using hec = opened(splunk(receiver.port));
    expect(await hec.sink.deliver(someEvents(2, 5), never)).toBe('taken');
    const [post] = receiver.posts;
    expect(post).toMatchObject({
      path: '/services/collector/event',
      headers: { authorization: 'Splunk the-token' },
    });
    const lines = (post?.body ?? '').split('\n').map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({
      time: 1795860000.5,
      index: 'audit',
      sourcetype: 'hallpass:ocsf',
      fields: { place: '6' },
      event: { metadata: { uid: 'event-6', version: '1.8.0' } },
    });
  });

  test('refuses data for good, and for wrong tokens and indexes is tried again', async () => {
    let answer = { status: 400, body: '{"text":"Invalid data format","code":6}' };
    await using receiver = await httpReceiver(() => answer, pair);
    await using hec = opened(splunk(receiver.port));
    expect(await hec.sink.deliver(someEvents(1), never)).toEqual({ refused: 'answered 400' });
    for (const [status, code] of [
      [400, 7],
      [403, 4],
      [503, 9],
    ] as const) {
      answer = { status, body: `{"text":"…","code":${code}}` };
      await expect(hec.sink.deliver(someEvents(1), never)).rejects.toBeInstanceOf(SinkAway);
    }
  });

  test('is not spoken to where its certificate is not known', async () => {
    await using receiver = await httpReceiver(() => ({ status: 200 }), pair);
    await using hec = opened(splunk(receiver.port, null));
    await expect(hec.sink.deliver(someEvents(1), never)).rejects.toBeInstanceOf(SinkAway);
    expect(receiver.posts).toEqual([]);
  });
});

describe('syslog over TLS', () => {
  test('gets messages of RFC 5424, framed by their bytes', async () => {
    await using receiver = await syslogReceiver(pair);
    await using log = opened(syslog(receiver.port));
    const events = someEvents(500, 9);
    expect(await log.sink.deliver(events, never)).toBe('taken');
    const messages = messagesOf(receiver.streams[0] ?? '');
    expect(messages).toHaveLength(500);
    // Log audit, critical: the glass was broken.
    expect(messages[0]).toMatch(
      /^<106>1 2026-11-28T10:00:00\.500Z \S+ hallpass - session\.break-glass \[hallpass@32473 place="9"\] \{/,
    );
    expect(messages.map((it) => it.slice(it.indexOf(' {') + 1))).toEqual(
      events.map(({ text }) => text),
    );
  });

  test('is tried again where the connection breaks, or its certificate is not known', async () => {
    await using receiver = await syslogReceiver(pair, (socket) => socket.destroy());
    await using broken = opened(syslog(receiver.port));
    await expect(broken.sink.deliver(someEvents(500), never)).rejects.toBeInstanceOf(SinkAway);
    await using other = opened(syslog(receiver.port, null));
    await expect(other.sink.deliver(someEvents(1), never)).rejects.toBeInstanceOf(SinkAway);
  });

  test('is given up where it takes too long', async () => {
    const stuck = createServer();
    const sockets: AsyncDisposable[] = [];
    stuck.on('connection', (socket) =>
      sockets.push({ [Symbol.asyncDispose]: async () => void socket.destroy() }),
    );
    await new Promise<void>((resolve) => stuck.listen(0, '127.0.0.1', resolve));
    const address = stuck.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await using log = opened(syslog(port));
    await expect(log.sink.deliver(someEvents(1), AbortSignal.timeout(50))).rejects.toBeInstanceOf(
      SinkAway,
    );
    for (const socket of sockets) await socket[Symbol.asyncDispose]();
    await new Promise((resolve) => stuck.close(resolve));
  });
});

describe('an S3-compatible store', () => {
  test('gets an object for each batch, whose names sort as places do', async () => {
    // The emulator takes no port that the system chooses.
    const emulator = await createEmulator({ service: 'aws', port: await freePort(0) });
    const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
    const client = new S3Client({
      endpoint: emulator.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: keys,
    });
    try {
      await client.send(new CreateBucketCommand({ Bucket: 'audit' }));
      await using store = opened({
        ...common,
        format: 'csv',
        kind: 's3',
        s3: {
          bucket: 'audit',
          prefix: 'hallpass',
          region: 'us-east-1',
          endpoint: emulator.url,
          forcePathStyle: true,
          accessKeyId: keys.accessKeyId,
          secretAccessKey: new Secret(keys.secretAccessKey),
        },
      });
      expect(await store.sink.deliver(someEvents(3, 8), never)).toBe('taken');
      expect(await store.sink.deliver(someEvents(2, 11), never)).toBe('taken');
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'audit' }));
      const names = Contents.map(({ Key }) => Key ?? '');
      expect(names).toEqual([
        'hallpass/000000000000008-000000000000010.csv',
        'hallpass/000000000000011-000000000000012.csv',
      ]);
      const got = await client.send(new GetObjectCommand({ Bucket: 'audit', Key: names[0] ?? '' }));
      const text = (await got.Body?.transformToString()) ?? '';
      expect(text).toMatch(/^place,time,.*\r\n8,2026-11-28/);
      expect(text.split('\r\n')).toHaveLength(5);
    } finally {
      client.destroy();
      await emulator.close();
    }
  });
});
