import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadLog } from '../../src/app/read-log.js';
import { openCheckpoint } from '../../src/domain/audit/checkpoint.js';
import type { AuditEntry } from '../../src/domain/audit/entry.js';
import { leafHashOf, rootOf } from '../../src/domain/audit/merkle.tree.js';
import { checkProof } from '../../src/domain/audit/tlog.proof.js';
import { tilePath, tilesOf, unpackBundle } from '../../src/domain/audit/tlog.tiles.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';

const COUNT = 600;

let lab: LogLab;
let api: Api;
let written: AuditEntry[];
beforeAll(async () => {
  lab = await LogLab.start();
  written = await lab.write(COUNT);
  await lab.replica().once();
  const { store, audit, key } = lab;
  const clock = { now: () => new Date() };
  const readLog = new ReadLog({ store, audit, clock, origin: ORIGIN, signers: [key] });
  api = await startApi({ deps: { readLog } });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

async function bytesAt(path: string): Promise<Buffer> {
  const response = await fetch(`${api.url}/v1/audit/${path}`, {
    headers: { authorization: 'Bearer auditor' },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.get('cache-control')).toContain('immutable');
  return Buffer.from(await response.arrayBuffer());
}

describe('the audit log over HTTP', () => {
  test('has a checkpoint that its keys open', async () => {
    const keys = await api.call('readLogKeys', { who: 'auditor', path: '/v1/audit/keys' });
    expect(keys.body).toEqual({ origin: ORIGIN, keys: [lab.key.verifier.text] });
    const note = await api.call('readCheckpoint', { who: 'auditor', path: '/v1/audit/checkpoint' });
    expect(note.headers.get('cache-control')).toBe('no-cache');
    expect(openCheckpoint(note.text, [lab.key.verifier])).toMatchObject({
      origin: ORIGIN,
      size: COUNT,
      root: rootOf(written.map((it) => it.leafHash)),
    });
  });

  test('has every tile of the tree that was signed, which lead to its root', async () => {
    const tiles = await Promise.all(
      [...tilesOf(COUNT)].map(async (it) => ({
        ...it,
        bytes: await bytesAt(tilePath(it.level, it.index, it.width)),
      })),
    );
    expect(tiles.map(({ bytes, width }) => bytes.length - width * 32)).toEqual(tiles.map(() => 0));
    const leaves = tiles.filter(({ level }) => level === 0).map(({ bytes }) => bytes);
    expect(Buffer.concat(leaves)).toEqual(Buffer.concat(written.map((it) => it.leafHash)));
    const above = tiles.find(({ level }) => level === 1)?.bytes;
    const full = [0, 1].map((n) =>
      rootOf(written.slice(n * 256, (n + 1) * 256).map((it) => it.leafHash)),
    );
    expect(above).toEqual(Buffer.concat(full));
  });

  test('has every entry in bundles, whose reading is an event before anything is shown', async () => {
    const before = await lab.count('audit_events');
    const bundles = [await bytesAt('tile/entries/000'), await bytesAt('tile/entries/002.p/88')];
    const [first, last] = bundles.map((bundle) => unpackBundle(bundle) ?? []);
    expect(first).toEqual(written.slice(0, 256).map((it) => it.body));
    expect(last).toEqual(written.slice(512).map((it) => it.body));
    expect(await lab.count('audit_events')).toBe(before + 2);
    const { rows } = await lab.database.pool.query<{ body: Buffer }>(
      `SELECT body FROM audit_events WHERE action = 'audit.read' ORDER BY at DESC LIMIT 1`,
    );
    expect(JSON.parse(String(rows[0]?.body))).toMatchObject({
      actor: { sub: 'audit' },
      data: { from: 512, count: 88 },
    });
  });

  test('proves an event to whoever has its body and a key', async () => {
    const entry = written[300];
    const proof = await api.call('readProof', {
      who: 'auditor',
      path: `/v1/audit/events/${entry?.id}/proof`,
    });
    const leaf = leafHashOf(entry?.body ?? Buffer.alloc(0));
    expect(checkProof(proof.text, leaf, [lab.key.verifier])).toMatchObject({ index: 300 });
  });

  test.each([
    'tile/0/003',
    'tile/0/002',
    'tile/0/002.p/89',
    'tile/1/000',
    'tile/2/000.p/1',
    'tile/63/000',
    'tile/entries/002.p/89',
    'tile/entries/x999/x999/999',
    'tile/0/0',
    'tile/..%2f..%2fsessions',
    'tile/',
    'events/00000000-0000-4000-8000-000000000000/proof',
    'events/none/proof',
  ])('says that %s is not there', async (path) => {
    const answer = await api.call('readTile', { who: 'auditor', path: `/v1/audit/${path}` });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ type: 'urn:hallpass:problem:not-found' });
  });

  test.each(['checkpoint', 'keys', 'tile/0/000', 'tile/entries/000', 'events/x/proof'])(
    'shows %s to auditors alone',
    async (path) => {
      const answer = await api.call('', { who: 'robin', path: `/v1/audit/${path}` });
      expect(answer.status).toBe(403);
    },
  );
});
