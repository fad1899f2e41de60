import type { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { firstStep } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { putInForce } from './policy.archives.js';
import { setOf } from './policies.js';
import { ROBIN, actorOf, grantOf, newSession } from './sessions.js';

/** A session of Robin's in the database, approved, on a Pod of its own: for what only refers to one. */
export async function keptSession(database: Database): Promise<SessionId> {
  const set = setOf([]);
  await putInForce(new PrismaPolicyArchive(database), set);
  const session = newSession({ grant: grantOf(set.hash) });
  const at = new Date();
  const written = await new PrismaSessionStore(database).write(
    firstStep({ session, event: 'grant', capacities: ['requester'], actor: actorOf(ROBIN), at }),
  );
  if (isProblem(written)) throw new Error(written.detail, { cause: written.cause });
  return written.id;
}
