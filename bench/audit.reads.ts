import { hash } from 'node:crypto';
import { LogFolder } from '../src/adapters/cli/log.folder.js';
import { exportLog } from '../src/app/export-log.js';
import type { LogFiles } from '../src/app/ports/log.files.js';
import { verifyLog } from '../src/app/verify-log.js';
import { bundlesOf, tilePath, unpackBundle } from '../src/domain/audit/tlog.tiles.js';
import type { AuditStage } from './audit.stage.js';
import { AUDITOR, POOL_SIZE } from './audit.stage.js';

/** So many in so many seconds. */
export interface Done {
  readonly count: number;
  readonly perSecond: number;
}

/** Proofs, tiles and bundles all over the log, as many at once as there are connections. */
export async function readRates(
  stage: AuditStage,
  {
    size,
    reads,
    signal,
  }: { readonly size: number; readonly reads: number; readonly signal: AbortSignal },
): Promise<{ readonly proofs: Done; readonly tiles: Done; readonly bundles: Done }> {
  const places = Array.from({ length: reads }, (_, n) => Math.floor(((n * 0.618_034) % 1) * size));
  const ids = await Promise.all(
    places.map(async (place) => (await stage.store.entries(place, 1))[0]?.eventId ?? ''),
  );
  const full = Math.max(1, Math.floor(size / 256));
  const fileAt = async (level: 0 | 'entries', n: number) => {
    const index = Math.floor((places[n] ?? 0) / 256) % full;
    return stage.reading.file(AUDITOR, tilePath(level, index, Math.min(256, size)));
  };
  const rate = (read: (n: number) => Promise<unknown>) => rateOf(reads, signal, read);
  return {
    proofs: await rate((n) => stage.reading.proof(ids[n] ?? '')),
    tiles: await rate((n) => fileAt(0, n)),
    bundles: await rate((n) => fileAt('entries', n)),
  };
}

async function rateOf(
  count: number,
  signal: AbortSignal,
  read: (n: number) => Promise<unknown>,
): Promise<Done> {
  let next = 0;
  const fromMs = performance.now();
  const reader = async () => {
    while (next < count) {
      signal.throwIfAborted();
      const found = await read(next++);
      if (typeof found !== 'string' && !Buffer.isBuffer(found)) {
        throw new Error(`not found: ${JSON.stringify(found)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: POOL_SIZE }, reader));
  return { count, perSecond: (count / (performance.now() - fromMs)) * 1_000 };
}

/** Takes the log out into a folder and verifies it there, in turns with hashing the same bytes and no more: the best of each. */
export async function verifyRates(
  stage: AuditStage,
  {
    folder,
    rounds,
    signal,
  }: { readonly folder: string; readonly rounds: number; readonly signal: AbortSignal },
): Promise<{ readonly taken: Done; readonly verify: Done; readonly sha256: Done }> {
  const to = new LogFolder(folder);
  const fromMs = performance.now();
  const head = await exportLog({
    to,
    source: async (path) => {
      signal.throwIfAborted();
      const read = await (path === 'checkpoint'
        ? stage.reading.checkpoint()
        : stage.reading.file(AUDITOR, path));
      if (Buffer.isBuffer(read)) return read;
      return typeof read === 'string' ? Buffer.from(read) : undefined;
    },
  });
  const count = head?.size ?? 0;
  const taken = { count, perSecond: (count / (performance.now() - fromMs)) * 1_000 };
  const verify: number[] = [];
  const sha256: number[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    sha256.push(await perSecond(count, () => hashAll(to, count)));
    verify.push(
      await perSecond(count, async () => {
        const report = await verifyLog({ files: to, verifiers: [stage.signer.verifier] });
        if (report.findings.length > 0) throw new Error(JSON.stringify(report.findings));
      }),
    );
  }
  return {
    taken,
    verify: { count, perSecond: Math.max(...verify) },
    sha256: { count, perSecond: Math.max(...sha256) },
  };
}

async function hashAll(files: LogFiles, size: number): Promise<void> {
  for (const { index, width } of bundlesOf(size)) {
    const bundle = await files.read(tilePath('entries', index, width));
    for (const entry of unpackBundle(bundle ?? Buffer.alloc(0)) ?? [])
      hash('sha256', entry, 'buffer');
  }
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const fromMs = performance.now();
  await work();
  return (count / (performance.now() - fromMs)) * 1_000;
}
