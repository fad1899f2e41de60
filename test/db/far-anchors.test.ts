import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEmulator } from 'emulate';
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { LogAnchor } from '../../src/adapters/anchors/log.anchor.js';
import { S3Anchor } from '../../src/adapters/s3/s3.anchor.js';
import { WebhookAnchor } from '../../src/adapters/anchors/webhook.anchor.js';
import type { SignedHead } from '../../src/app/ports/log.store.js';
import { Secret } from '../../src/config/secret.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { LockedBucket } from '../support/locked.bucket.js';
import { ORIGIN, signerNamed } from '../support/log.lab.js';

const AT = new Date('2026-03-04T10:00:00Z');
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
const signer = signerNamed();

function head(size: number, fill = size): SignedHead {
  const at = { origin: ORIGIN, size, root: Buffer.alloc(32, fill) };
  return { ...at, note: signCheckpoint(at, [signer]), signedAt: AT };
}

function anchorAt(endpoint: string, isLocked: boolean): S3Anchor {
  const s3 = {
    bucket: 'checkpoints',
    prefix: 'hallpass',
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    accessKeyId: KEYS.accessKeyId,
    secretAccessKey: new Secret(KEYS.secretAccessKey),
  };
  const locked = { mode: 'COMPLIANCE', days: 10 } as const;
  return new S3Anchor({ name: 'vault', everySeconds: 60, s3, lock: isLocked ? locked : null });
}

describe('a bucket with object lock', () => {
  test('is given checkpoints that nobody may change or delete before their time', async () => {
    await using bucket = await LockedBucket.start();
    const anchor = anchorAt(bucket.url, true);
    await anchor.put(head(7));
    const { headers } = bucket.versions[0] ?? {};
    expect(headers).toMatchObject({
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-object-lock-retain-until-date': '2026-03-14T10:00:00Z',
    });
    expect(Object.keys(headers ?? {}).join()).toMatch(/x-amz-checksum-sha256|x-amz-trailer/);
    anchor.close();
  });

  test('is read by what was put first, whatever was put over it or marked as deleted', async () => {
    await using bucket = await LockedBucket.start();
    const anchor = anchorAt(bucket.url, true);
    for (const size of [7, 100, 30]) await anchor.put(head(size));
    const other = head(100, 1);
    await anchor.put(other);
    const client = clientOf(bucket.url);
    const key = bucket.versions[0]?.key ?? '';
    await client.send(new DeleteObjectCommand({ Bucket: 'checkpoints', Key: key }));
    expect(await anchor.sizes(ORIGIN)).toEqual([100, 30, 7]);
    expect(await anchor.noteOf(ORIGIN, 100)).toBe(head(100).note);
    expect(await anchor.noteOf(ORIGIN, 7)).toBe(head(7).note);
    expect(await anchor.noteOf(ORIGIN, 8)).toBeUndefined();
    expect(await anchor.sizes('other.example')).toEqual([]);
    client.destroy();
    anchor.close();
  });

  test('is read beyond a thousand things that are no checkpoints, marks of deletion or other names', async () => {
    await using bucket = await LockedBucket.start();
    const anchor = anchorAt(bucket.url, true);
    for (const size of [7, 100, 30]) await anchor.put(head(size));
    const newest = bucket.versions[1]?.key ?? '';
    for (let n = 0; n < 1_000; n++) bucket.marks(newest);
    for (let n = 0; n < 1_000; n++) bucket.holds(`${newest.slice(0, -16)}!${n}`);
    expect(await anchor.sizes(ORIGIN)).toEqual([100, 30, 7]);
    expect(await anchor.noteOf(ORIGIN, 100)).toBe(head(100).note);
    for (let n = 0; n < 1_000; n++) bucket.holds(newest);
    expect(await anchor.noteOf(ORIGIN, 100)).toBe(head(100).note);
    anchor.close();
  });

  test('cannot be read where too much is in the way, and says so', async () => {
    await using bucket = await LockedBucket.start();
    const anchor = anchorAt(bucket.url, true);
    await anchor.put(head(7));
    const key = bucket.versions[0]?.key ?? '';
    for (let n = 0; n < 50_000; n++) bucket.marks(key);
    await expect(anchor.sizes(ORIGIN)).rejects.toThrow('somebody has put them there');
    await expect(anchor.noteOf(ORIGIN, 7)).rejects.toThrow('somebody has put them there');
    anchor.close();
  });
});

test('a bucket without locks gives back what it was given, the newest first', async () => {
  // The emulator takes no port that the system chooses.
  const emulator = await createEmulator({ service: 'aws', port: await freePort(0) });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => emulator.close());
  const client = clientOf(emulator.url);
  await client.send(new CreateBucketCommand({ Bucket: 'checkpoints' }));
  client.destroy();
  const anchor = anchorAt(emulator.url, false);
  expect(await anchor.sizes(ORIGIN)).toEqual([]);
  for (const size of [5, 1_000, 20]) await anchor.put(head(size));
  expect(await anchor.sizes(ORIGIN)).toEqual([1_000, 20, 5]);
  expect(await anchor.noteOf(ORIGIN, 20)).toBe(head(20).note);
  anchor.close();
});

test('a bucket that does not answer throws', async () => {
  const anchor = anchorAt('http://127.0.0.1:1', true);
  await expect(anchor.put(head(1))).rejects.toThrow();
  await expect(anchor.sizes(ORIGIN)).rejects.toThrow();
  anchor.close();
});

describe('a webhook', () => {
  test('is posted the checkpoint, signed, and nothing else; a refusal and a redirect throw', async () => {
    const got: { headers: IncomingHttpHeaders; body: string }[] = [];
    const answers = [204, 500, 302];
    const server = createServer((request, response) => {
      void request.toArray().then((chunks) => {
        got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(answers[got.length - 1] ?? 200, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const about = { name: 'witness', everySeconds: 60, url };
    const anchor = new WebhookAnchor({ ...about, secret: new Secret(secret) });
    const { origin, size, root, note } = head(9);
    await anchor.put(head(9));
    await expect(anchor.put(head(9))).rejects.toThrow('answered 500');
    await expect(anchor.put(head(9))).rejects.toThrow('answered 302');
    await new Promise((resolve) => server.close(resolve));

    expect(got).toHaveLength(3);
    const [first, second] = got;
    expect(JSON.parse(first?.body ?? '')).toEqual({
      type: 'audit.checkpoint',
      timestamp: AT.toISOString(),
      data: { origin, size, root: root.toString('base64'), note },
    });
    const id = String(first?.headers['webhook-id']);
    const headers = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
        name,
        String(first?.headers[name]),
      ]),
    );
    expect(() => new Webhook(secret).verify(first?.body ?? '', headers)).not.toThrow();
    expect(second?.headers['webhook-id']).toBe(id);
    await expect(anchor.put(head(9))).rejects.toThrow();
    expect(await anchor.sizes()).toBeUndefined();
  });
});

test('the program’s own log has the checkpoint on one line', async () => {
  const journal = new MemoryJournal();
  await new LogAnchor({ name: 'log', everySeconds: 60, journal }).put(head(3));
  expect(journal.lines).toMatchObject([
    { level: 'info', facts: { anchor: 'log', checkpoint: { size: 3, note: head(3).note } } },
  ]);
});

function clientOf(endpoint: string): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: KEYS });
}
