import { createHash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../../src/domain/audit/canonical.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import { inclusionRanges, leafHashOf, rootOf } from '../../src/domain/audit/merkle.tree.js';
import type { SignerKey } from '../../src/domain/audit/signed.note.js';
import { writeProof } from '../../src/domain/audit/tlog.proof.js';
import {
  ARCHIVE_FILES,
  proofFile,
  readArchiveName,
} from '../../src/domain/evidence/archive.names.js';
import { writeSums } from '../../src/domain/evidence/sums.file.js';
import { ORIGIN } from './log.lab.js';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/**
 * The files as a lying broker would give them, which has the key: all digests, proofs and signatures are true of what is
 * in them, so that nothing but what they say can be found wrong.
 */
export function forged(given: ReadonlyMap<string, Buffer>, key: SignerKey): Map<string, Buffer> {
  const files = new Map(
    [...given].filter(([name]) => !['proof', 'sums', 'checkpoint'].includes(kindOf(name))),
  );
  const events = [...files].flatMap(([name, body]) => {
    const known = readArchiveName(name);
    return known?.kind === 'event' ? [{ name, body, index: known.index }] : [];
  });
  const taking = events.at(-1);
  if (!taking) throw new Error('there is nothing to forge');
  const listed = [...files].filter(([name]) => name !== taking.name);
  const sums = Buffer.from(
    writeSums(new Map(listed.map(([name, bytes]) => [name, sha256(bytes)]))),
  );
  const event = JSON.parse(taking.body.toString()) as { data: Record<string, unknown> };
  event.data['sums'] = sha256(sums);
  files.set(taking.name, Buffer.from(canonicalJson(event)));
  const size = taking.index + 1;
  const leaves: Buffer[] = Array.from({ length: size }, () => randomBytes(32));
  for (const { name, index } of events) leaves[index] = leafHashOf(files.get(name) ?? taking.body);
  const checkpoint = signCheckpoint({ origin: ORIGIN, size, root: rootOf(leaves) }, [key]);
  for (const { index } of events) {
    const ranges = inclusionRanges(index, size);
    const hashes = ranges.map(({ begin, end }) => rootOf(leaves.slice(begin, end)));
    files.set(proofFile(index), Buffer.from(writeProof({ index, hashes, checkpoint })));
  }
  files.set(ARCHIVE_FILES.sums, sums);
  files.set(ARCHIVE_FILES.checkpoint, Buffer.from(checkpoint));
  return files;
}

function kindOf(name: string): string {
  return readArchiveName(name)?.kind ?? '';
}
