import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogFolder } from '../../src/adapters/cli/log.folder.js';
import { exportLog } from '../../src/app/export-log.js';
import { ReadLog } from '../../src/app/read-log.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import type { AuditEntry } from '../../src/domain/audit/entry.js';
import { readProof } from '../../src/domain/audit/tlog.proof.js';
import { tilePath } from '../../src/domain/audit/tlog.tiles.js';
import { isProblem } from '../../src/domain/problem.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

/** What Sigstore's verifier does with its own transparency log; not exported, so loaded by its place. */
interface Sigstore {
  verifyCheckpoint(
    entry: SigstoreEntry,
    logs: readonly SigstoreLog[],
  ): { readonly logSize: bigint };
  verifyMerkleInclusion(entry: SigstoreEntry, checkpoint: object): void;
}
interface SigstoreEntry {
  readonly canonicalizedBody: Buffer;
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly hashes: readonly Buffer[];
    readonly checkpoint: { readonly envelope: string };
  };
}
interface SigstoreLog {
  readonly logID: Buffer;
  readonly baseURL: string;
  readonly publicKey: unknown;
}

const run = promisify(execFile);
const load = createRequire(import.meta.url);
const folder = load.resolve('@sigstore/verify').replace(/index\.js$/, 'tlog/');
const sigstore = {
  ...(load(`${folder}checkpoint.js`) as object),
  ...(load(`${folder}merkle.js`) as object),
} as Sigstore;

let lab: LogLab;
let written: AuditEntry[];
beforeAll(async () => {
  lab = await LogLab.start();
  written = await lab.write(700);
  await lab.replica().once();
});
afterAll(() => lab[Symbol.asyncDispose]());

function reading(): ReadLog {
  const { store, audit, key } = lab;
  const clock = { now: () => new Date() };
  return new ReadLog({ store, audit, clock, origin: ORIGIN, signers: [key] });
}

async function fileAt(path: string): Promise<Buffer> {
  const found =
    path === 'checkpoint'
      ? await reading().checkpoint()
      : await reading().file({ actor: actorOf(ROBIN), roles: ['auditor'] }, path);
  if (isProblem(found)) throw new Error(found.detail);
  return Buffer.from(found);
}

async function proofOf(entry: AuditEntry) {
  const text = await reading().proof(entry.id);
  const proof = isProblem(text) ? undefined : readProof(text);
  if (!proof) throw new Error('there is no proof');
  return proof;
}

describe('@sigstore/verify, which knows nothing of us', () => {
  const at = (index: number): AuditEntry => {
    const entry = written[index];
    if (!entry) throw new Error(`no event ${index}`);
    return entry;
  };
  const told = async (index: number, over: Partial<SigstoreEntry> = {}): Promise<SigstoreEntry> => {
    const proof = await proofOf(at(index));
    return {
      canonicalizedBody: at(index).body,
      inclusionProof: {
        logIndex: String(proof.index),
        hashes: proof.hashes,
        checkpoint: { envelope: proof.checkpoint },
      },
      ...over,
    };
  };
  const logs = (): SigstoreLog[] => {
    const { id, publicKey } = lab.key.verifier;
    return [{ logID: Buffer.from(id, 'hex'), baseURL: `https://${ORIGIN}`, publicKey }];
  };
  const verified = (entry: SigstoreEntry): bigint => {
    const checkpoint = sigstore.verifyCheckpoint(entry, logs());
    sigstore.verifyMerkleInclusion(entry, checkpoint);
    return checkpoint.logSize;
  };

  test.each([0, 255, 256, 511, 699])(
    'accepts the checkpoint and the proof of event %i',
    async (index) => {
      expect(verified(await told(index))).toBe(700n);
    },
  );

  test('refuses another event, and another checkpoint', async () => {
    const other = await told(3, { canonicalizedBody: at(4).body });
    expect(() => verified(other)).toThrow(/inclusion|root|hash/);
    const entry = await told(3);
    const envelope = entry.inclusionProof.checkpoint.envelope.replace('\n700\n', '\n701\n');
    const forged = {
      ...entry,
      inclusionProof: { ...entry.inclusionProof, checkpoint: { envelope } },
    };
    expect(() => verified(forged)).toThrow('invalid checkpoint signature');
  });
});

/** Go's own packages, as Debian has them (golang-go, golang-golang-x-mod-dev). */
const GOPATH = '/usr/share/gocode';
const hasGo =
  existsSync(join(GOPATH, 'src/golang.org/x/mod/sumdb/note')) &&
  spawnSync('go', ['version']).status === 0;

describe.skipIf(!hasGo)('golang.org/x/mod/sumdb, which checks the modules of Go', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hallpass-go-'));
    program = join(folder, 'verify');
    const source = fileURLToPath(new URL('verify.go', import.meta.url));
    const env = { ...process.env, GO111MODULE: 'off', GOPATH, GOCACHE: join(folder, 'cache') };
    await run('go', ['build', '-o', program, source], { env });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const taken = async (name: string) => {
    const to = new LogFolder(join(folder, name));
    await exportLog({ source: fileAt, to });
    return to;
  };
  const go = (name: string, ...older: string[]) =>
    run(program, [lab.key.verifier.text, join(folder, name), ...older]);

  test('accepts what was taken out, and that it goes on from an older checkpoint', async () => {
    await taken('older');
    written.push(...(await lab.write(100)));
    await lab.replica().once();
    await taken('whole');
    const { stdout } = await go('whole', join(folder, 'older', 'checkpoint'));
    expect(stdout).toMatch(/^\d+ entries\n$/);
  });

  test('refuses an event that was changed, and a tree that does not go on from it', async () => {
    const to = await taken('changed');
    const path = tilePath('entries', 0, 256);
    const bundle = Buffer.from((await to.read(path)) ?? []);
    bundle.write('x', 40);
    await to.write(path, bundle);
    await expect(go('changed')).rejects.toThrow('another root');
    const other = { origin: ORIGIN, size: 500, root: Buffer.alloc(32) };
    await to.write('forged', Buffer.from(signCheckpoint(other, [lab.key])));
    await expect(go('whole', join(folder, 'changed', 'forged'))).rejects.toThrow(
      'older checkpoint',
    );
  });
});
