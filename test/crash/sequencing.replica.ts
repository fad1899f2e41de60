import pg from 'pg';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import { readSigner } from '../../src/domain/audit/signed.note.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { Killing } from './sequencing.orders.js';

/**
 * A replica that only sequences, and KILLs itself at the statement it is told: before it leaves, when it is on its way,
 * or when it was answered. Without an order it goes on until it is KILLed. To be forked.
 */
const { url, origin, key, batch, at, when } = Killing.parse(JSON.parse(process.argv[2] ?? ''));
const signer = readSigner(key);
if (typeof signer === 'string') throw new Error(signer);

let statements = 0;
const client = pg.Client.prototype;
// The pool calls it with what it is called with.
const query = Reflect.get(client, 'query') as (...args: readonly unknown[]) => unknown;
Reflect.set(client, 'query', function (this: unknown, ...args: unknown[]): unknown {
  statements += 1;
  const isIt = statements === at;
  if (isIt && when === 'before') die();
  // The pool's own statements are answered through a function, which comes last.
  if (isIt && when === 'answered' && typeof args.at(-1) === 'function') args[args.length - 1] = die;
  const answer = Reflect.apply(query, this, [...args]);
  if (isIt && when === 'sent') setImmediate(die);
  if (isIt && when === 'answered' && answer instanceof Promise) return answer.then(die);
  return answer;
});

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
  process.send?.({ statements });
  process.exit();
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  // Nothing of what follows may be done until the signal is there.
  for (;;);
}
