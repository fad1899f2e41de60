import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaKubeNames } from '../../src/adapters/prisma/prisma-kube.names.js';
import { PrismaKubeTokens } from '../../src/adapters/prisma/prisma-kube.tokens.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { GlassLab } from '../support/glass.lab.js';
import { ROBIN, actorOf, grantOf, newSession } from '../support/sessions.js';

let lab: GlassLab;
let database: Database;
let tokens: PrismaKubeTokens;
let names: PrismaKubeNames;
beforeAll(async () => {
  lab = await GlassLab.start([]);
  database = new Database({ url: lab.fresh.serviceUrl, poolSize: 2 }, () => undefined);
  tokens = new PrismaKubeTokens(database);
  names = new PrismaKubeNames(database);
});
afterAll(async () => {
  await database.close();
  await lab[Symbol.asyncDispose]();
});

async function written(step: Parameters<typeof lab.store.write>[0]): Promise<Session> {
  const outcome = await lab.store.write(step);
  if (isProblem(outcome)) throw new Error(outcome.detail);
  return outcome;
}

async function approved(over: Partial<Session> = {}): Promise<Session> {
  return written(
    firstStep({
      session: newSession({ grant: grantOf(lab.set.hash), ...over }),
      event: 'grant',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at: lab.clock.now(),
    }),
  );
}

const over = (session: Session) =>
  written(
    stepOf({
      session,
      event: 'withdraw',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at: lab.clock.now(),
      changes: { endReason: 'withdrawn', lapsesAt: null },
    }),
  );

async function issued(session: Session, at = lab.clock.now()): Promise<Buffer> {
  const hash = createHash('sha256').update(randomBytes(8)).digest();
  await tokens.add({ hash, session: session.id, person: ROBIN, signIn: { acr: 'gold' }, at });
  return hash;
}

describe('the tokens of sessions, in the database', () => {
  test('are found by their digest, with how their person signed in', async () => {
    const session = await approved();
    const hash = await issued(session);
    expect(await tokens.find(hash)).toMatchObject({
      session: session.id,
      person: ROBIN,
      signIn: { acr: 'gold' },
    });
    expect(await tokens.find(createHash('sha256').update('another').digest())).toBeUndefined();
  });

  test('speak for their person as the newest of their own tokens says', async () => {
    const session = await approved();
    const hash = await issued(session);
    const now = { ...ROBIN, groups: ['somewhere-else'] };
    await new PrismaPeople(database).seen(now, new Date());
    expect((await tokens.find(hash))?.person.groups).toEqual(['somewhere-else']);
    await new PrismaPeople(database).seen(ROBIN, new Date());
  });

  test('are known for a day when their session is over, to say so, and are then forgotten', async () => {
    const session = await approved();
    const hash = await issued(session);
    const { updatedAt } = await over(session);
    const after = async (hours: number) => {
      await issued(await approved(), new Date(updatedAt.getTime() + hours * 3_600_000));
      return tokens.find(hash);
    };
    expect(await after(23)).toMatchObject({ session: session.id });
    expect(await after(25)).toBeUndefined();
  });

  test('of one session are ten at most: the oldest go', async () => {
    const session = await approved();
    const start = lab.clock.now().getTime();
    const first = await issued(session, new Date(start));
    for (let at = 1; at <= 10; at++) await issued(session, new Date(start + at));
    expect(await tokens.find(first)).toBeUndefined();
    const { rowCount } = await database.pool.query(
      'SELECT FROM kube_tokens WHERE session_id = $1',
      [session.id],
    );
    expect(rowCount).toBe(10);
  });

  test('cannot be changed by the service', async () => {
    const service = new pg.Client({ connectionString: lab.fresh.serviceUrl });
    await service.connect();
    try {
      await expect(service.query('UPDATE kube_tokens SET at = now()')).rejects.toThrow(
        'permission denied',
      );
      await expect(service.query('DELETE FROM kube_names')).rejects.toThrow('permission denied');
    } finally {
      await service.end();
    }
  });
});

describe('kubectl’s names of sessions, in the database', () => {
  test('are found by their sessions, with what is to run, and the first of a name stays', async () => {
    const [one, other] = [await approved(), await approved()];
    const at = new Date('2026-01-01T00:00:00.000Z');
    const name = { session: one.id, name: 'debugger-1', stdin: true, tty: true, at };
    await names.add({ ...name, command: null });
    await names.add({ ...name, command: ['late'] });
    await names.add({ ...name, session: other.id, command: ['sh', '-c', 'true'], tty: false });
    expect(await names.of([one.id])).toEqual([{ ...name, command: null }]);
    expect(await names.of([other.id])).toMatchObject([{ command: ['sh', '-c', 'true'] }]);
    expect(await names.of([])).toEqual([]);
  });
});
