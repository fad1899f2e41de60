import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Identity } from '../../src/domain/person.js';
import { migrate, MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import { emptyDatabase } from '../support/postgres.js';
import { HistoryLab, inHours, owed, somebody } from './history.lab.js';

const MIGRATION = '20261128140000_known_humans';

test('whose accounts are is known, after an upgrade, from what tokens said before it', async () => {
  const database = await emptyDatabase();
  await using lab = await HistoryLab.start(database);
  const migrateTo = (migrationsDir: string) =>
    migrate({
      ownerUrl: database.ownerUrl,
      serviceUser: database.serviceUser,
      migrationsDir,
      log: () => undefined,
    });
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-migrations-'));
  await cp(MIGRATIONS_DIR, folder, { recursive: true, filter: (it) => !it.includes(MIGRATION) });
  expect(await migrateTo(folder)).toMatchObject({ kind: 'migrated' });
  await rm(folder, { recursive: true });

  // One is known by the newest token of the account, the others by sessions that were asked for with older ones.
  const [debtor, known, asked, moved, nobody] = [
    somebody(),
    somebody(),
    somebody(),
    somebody(),
    somebody(),
  ];
  await lab.had({ person: debtor, hoursAgo: 9, debt: owed(-1) });
  for (const hoursAgo of [8, 7]) {
    for (const person of [debtor, asked, moved]) {
      await lab.had({ person: { ...person, human: 'robin' }, hoursAgo });
    }
  }
  for (const person of [{ ...known, human: 'robin' }, asked, { ...moved, human: 'sam' }, nobody]) {
    await lab.owner.query('INSERT INTO people VALUES ($1, $2, $3, $4, $4)', [
      person.iss,
      person.sub,
      JSON.stringify(person),
      inHours(-1),
    ]);
  }
  expect(await migrateTo(MIGRATIONS_DIR)).toMatchObject({ kind: 'migrated', applied: [MIGRATION] });

  const of = async (person: Identity) => {
    const { mine, overdueReviews } = await lab.of(person);
    return { overdue: overdueReviews.mine, lastDay: mine.lastDay };
  };
  expect(await of(known)).toEqual({ overdue: 1, lastDay: 7 });
  expect(await of(asked)).toEqual({ overdue: 1, lastDay: 7 });
  expect(await of(moved)).toEqual({ overdue: 1, lastDay: 2 });
  expect(await of(nobody)).toEqual({ overdue: 0, lastDay: 0 });
});
