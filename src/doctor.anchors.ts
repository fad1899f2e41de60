import { growingFile } from './adapters/files/file.examiner.js';
import { listenerOf, reach } from './adapters/net/reach.js';
import { Database } from './adapters/prisma/database.js';
import { PrismaAnchorCursors } from './adapters/prisma/prisma-anchor.cursors.js';
import { PrismaLogStore } from './adapters/prisma/prisma-log.store.js';
import { S3Anchor } from './adapters/s3/s3.anchor.js';
import { AnchorComparison } from './app/anchor.comparison.js';
import type { Anchor } from './app/ports/anchor.js';
import { replacing } from './app/replacing.js';
import type { AnchorConfig } from './config/anchors.section.js';
import type { Config } from './config/config.schema.js';
import { Unseen } from './domain/doctor/finding.js';
import type { AnchorFacts } from './domain/doctor/service.verdicts.js';
import { anchorOf } from './log.guard.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface With extends Pick<Config, 'audit' | 'database'> {
  readonly signal: AbortSignal;
}

/** How an anchor is. Nothing is put there, nor begun: what is there is read, and compared with the database. */
export async function anchorFacts(config: AnchorConfig, by: With): Promise<AnchorFacts> {
  if (config.kind === 'webhook') {
    const reached = await reach(listenerOf(config.url), by.signal);
    const away = reached === 'reached' ? null : reached;
    return { file: null, away, compared: 'unread' };
  }
  const file = config.kind === 'file' ? await growingFile(config.path) : null;
  if (file?.trouble) return { file, away: null, compared: 'unread' };
  const anchor = anchorOf(config, SILENT);
  const opened = new Database({ url: by.database.url.reveal(), poolSize: 2 }, () => undefined);
  try {
    const found = await look(anchor, file?.isThere !== false, { ...by, opened });
    return found instanceof Away
      ? { file, away: found.why, compared: 'unread' }
      : { file, away: null, compared: found };
  } finally {
    if (anchor instanceof S3Anchor) anchor.close();
    await opened.close().catch(() => undefined);
  }
}

/** That it is not where it is to be. */
class Away {
  constructor(readonly why: Unseen) {}
}

const LOST = new Away(
  new Unseen(
    'nothing is there, and checkpoints of this log were put there',
    'mount or restore what it leads to, or configure another anchor, of another name, in its place',
  ),
);
const SILENCE = new Away(
  new Unseen(
    'it does not answer, or does not let us read',
    'check its address, its credentials, and the network policy on the way there',
  ),
);
const INCOMPARABLE = new Unseen(
  'it can be reached, and could not be compared with the database',
  'see what is said of the database; what none of our keys has signed counts for nothing',
);

async function look(
  anchor: Anchor,
  isThere: boolean,
  { audit, signal, opened }: With & { readonly opened: Database },
): Promise<AnchorFacts['compared'] | Away> {
  const { origin, signers, formerKeys } = audit;
  const store = new PrismaLogStore(opened);
  const cursors = new PrismaAnchorCursors(opened);
  const sizes = isThere ? await anchor.sizes(origin).catch(() => SILENCE) : [];
  if (sizes instanceof Away) return sizes;
  if (sizes === undefined) return 'unread';
  try {
    if (sizes.length === 0) {
      const wasBegun = isThere
        ? await cursors.wasPut(anchor.name, origin)
        : (await store.head(origin)) !== undefined;
      return wasBegun ? LOST : 'empty';
    }
    const verifiers = [...signers.map(({ verifier }) => verifier), ...formerKeys];
    const comparison = new AnchorComparison({
      ...{ cursors, store, origin, verifiers, signal },
      anchor: unbegun(anchor),
      journal: SILENT,
    });
    const parted = await comparison.look();
    return parted === undefined ? 'agrees' : { parted };
  } catch {
    return INCOMPARABLE;
  }
}

/** An anchor that is only read. */
function unbegun(inner: Anchor): Anchor {
  return replacing(inner, {
    begin: () => Promise.resolve(),
    put: () => Promise.reject(new Error('the doctor puts nothing into anchors')),
  });
}
