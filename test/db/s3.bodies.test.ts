import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Emulator } from 'emulate';
import { createEmulator } from 'emulate';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { S3Bodies } from '../../src/adapters/s3/s3.bodies.js';
import type { S3Config } from '../../src/config/recordings.section.js';
import { Secret } from '../../src/config/secret.js';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import { tookMs } from '../support/own.time.js';
import { RecordingLab } from '../support/recording.lab.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';

let lab: RecordingLab;
let emulator: Emulator;
let config: S3Config;
let client: S3Client;
const opened: S3Bodies[] = [];

const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };

beforeAll(async () => {
  lab = await RecordingLab.start();
  // The emulator takes no port that the system chooses.
  emulator = await createEmulator({ service: 'aws', port: await freePort(0) });
  config = {
    bucket: 'recordings',
    prefix: 'hallpass/prod',
    region: 'us-east-1',
    endpoint: emulator.url,
    forcePathStyle: true,
    accessKeyId: keys.accessKeyId,
    secretAccessKey: new Secret(keys.secretAccessKey),
  };
  client = new S3Client({
    endpoint: emulator.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: keys,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'recordings' }));
});
afterAll(async () => {
  for (const vault of opened) vault.close();
  client.destroy();
  await emulator.close();
  await lab[Symbol.asyncDispose]();
});

function bodiesOf(over: Partial<S3Config> = {}): S3Bodies {
  const vault = new S3Bodies({ ...config, ...over });
  opened.push(vault);
  return vault;
}

async function stored(): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'recordings' }));
  return Contents.map(({ Key = '' }) => Key);
}

describe('an S3-compatible store', () => {
  test('gives back what it was given, byte for byte, and lets go of it', async () => {
    const [vault, id] = [bodiesOf(), newRecordingId()];
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7) % 256));
    await vault.put(id, 1, bytes);
    await vault.put(id, 1, bytes);
    expect(Buffer.from(await vault.get(id, 1))).toEqual(bytes);
    await expect(vault.get(id, 2)).rejects.toThrow();
    expect(await stored()).toContain(`hallpass/prod/${id}/1`);
    await vault.drop(id, 3);
    await vault.drop(id, 3);
    await expect(vault.get(id, 1)).rejects.toThrow();
  });

  test('holds the chunks of a recording, whose rows and digests are in the database', async () => {
    const bodies = bodiesOf();
    const { store, recording } = await lab.recording(bodies);
    void recording.output('stdout', Buffer.from('in a bucket'));
    await recording.finish({ exitCode: 0, why: 'exited' });
    expect(await stored()).toContain(`hallpass/prod/${recording.id}/1`);
    const [chunk] = await store.chunks(recording.id, 0, 10);
    const text = (await decompress(chunk!.bytes)).toString();
    expect(text).toContain('in a bucket');
    expect(await lab.count('recording_bodies', recording.id)).toBe(0);
    expect(await lab.count('recording_chunks', recording.id)).toBe(1);
  });

  test('is emptied when their time is over, later where it is away at that moment', async () => {
    const bodies = bodiesOf();
    const session = await lab.session();
    const recorder = lab.recorder({ store: lab.storeWith(bodies) });
    const recording = await lab.open(recorder, { session, keepSeconds: 0 });
    void recording.output('stdout', Buffer.from('in a bucket'));
    await recording.finish({ exitCode: 0, why: 'exited' });
    const away = bodiesOf({ endpoint: `http://127.0.0.1:${await freePort(0)}` });
    await lab.keeper(20, 'replica-2', lab.storeWith(away)).once();
    expect((await lab.store.find(recording.id))?.droppedAt).toBeInstanceOf(Date);
    expect(await stored()).toContain(`hallpass/prod/${recording.id}/1`);
    await lab.keeper(20, 'replica-2', lab.storeWith(bodies)).once();
    expect(await stored()).not.toContain(`hallpass/prod/${recording.id}/1`);
    expect(await lab.store.due(100)).toEqual([]);
    const actions = (await lab.audits(session)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'recording.dropped')).toHaveLength(1);
  });

  test('that is away fails a strict recording, and nothing of it is in the database', async () => {
    const bodies = bodiesOf({ endpoint: `http://127.0.0.1:${await freePort(0)}` });
    const { recording } = await lab.recording(bodies);
    void recording.output('stdout', Buffer.from('nowhere'));
    expect(await recording.failed).toContain('could not be recorded');
    expect(await lab.count('recording_chunks', recording.id)).toBe(0);
    await recording.finish({ exitCode: null, why: 'recording failed' });
  }, 20_000);

  test('that does not answer does not hold anything up for longer than one that is away', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { recording } = await lab.recording(bodiesOf({ endpoint }));
    void recording.output('stdout', Buffer.from('nowhere'));
    expect(await tookMs(() => recording.failed)).toBeLessThan(14_000);
    await recording.finish({ exitCode: null, why: 'recording failed' });
    silent.close();
  }, 30_000);
});
