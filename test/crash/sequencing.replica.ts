import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import { readSigner } from '../../src/domain/audit/signed.note.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { dieAtStatement } from './killed.statement.js';
import { Killing } from './sequencing.orders.js';

/**
 * A replica that only sequences, and KILLs itself at the statement it is told: before it leaves, when it is on its way,
 * or when it was answered. Without an order it goes on until it is KILLed. To be forked.
 */
const { url, origin, key, batch, at, when } = Killing.parse(JSON.parse(process.argv[2] ?? ''));
const signer = readSigner(key);
if (typeof signer === 'string') throw new Error(signer);

const statements = dieAtStatement(at, when);
const database = new Database({ url, poolSize: 1 }, () => undefined);
const journal = new MemoryJournal();
const sequence = new SequenceLog({
  store: new PrismaLogStore(database),
  origin,
  signers: [signer],
  everyMs: 5,
  clock: { now: () => new Date() },
  journal,
  batch,
  onParted: (parted) => process.send?.({ parted: parted.why }),
});
process.on('disconnect', () => process.exit());
if (at === null) sequence.start();
else {
  await sequence.once();
  process.send?.({ statements: statements.count() });
  process.exit();
}
