import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaDeadLetters } from '../../src/adapters/prisma/prisma-dead.letters.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { PrismaSinkStore } from '../../src/adapters/prisma/prisma-sink.store.js';
import { DeliverLog } from '../../src/app/deliver-log.js';
import { Secret } from '../../src/config/secret.js';
import { sinkOf } from '../../src/log.sinks.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { Killed, SINK } from './delivering.orders.js';
import { dieAtStatement } from './killed.statement.js';

/** A replica that delivers the log to a webhook for one round, and KILLs itself where it is told. To be forked. */
const { url, port, replica, at, when } = Killed.parse(JSON.parse(process.argv[2] ?? ''));
dieAtStatement(at, when);

const database = new Database({ url, poolSize: 1 }, () => undefined);
const sink = sinkOf({
  name: SINK,
  kind: 'webhook',
  format: 'jsonl',
  batch: 8,
  everyMs: 5,
  url: `http://127.0.0.1:${port}`,
  secret: new Secret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`),
  caPem: null,
});
const deliver = new DeliverLog({
  sinks: [sink],
  cursors: new PrismaSinkStore(database),
  letters: new PrismaDeadLetters(database),
  log: new PrismaLogStore(database),
  clock: { now: () => new Date() },
  journal: new MemoryJournal(),
  replica,
});
process.on('disconnect', () => process.exit());
await deliver.once(sink);
process.exit();
