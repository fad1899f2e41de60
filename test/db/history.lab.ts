import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaHistory } from '../../src/adapters/prisma/prisma-history.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { ReviewDebt } from '../../src/app/ports/session.store.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import type { Identity, Person } from '../../src/domain/person.js';
import type { HistoryFacts } from '../../src/domain/policy/facts.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { actorOf, newSession, ROBIN, SYSTEM } from '../support/sessions.js';

const HOUR = 3_600_000;
/** When history is looked at, unless a test says otherwise. */
export const NOW = new Date();

/** Somebody whom no other test knows. */
export function somebody(over: Partial<Person> = {}): Person {
  return { ...ROBIN, sub: uniqueName('person'), ...over };
}

/** The time so many hours from {@link NOW}. */
export function inHours(hours: number): Date {
  return new Date(NOW.getTime() + hours * HOUR);
}

/** A review that is due in so many hours. */
export function owed(hours: number, team: string | null = null): ReviewDebt {
  return { team, dueAt: inHours(hours) };
}

export interface Past {
  readonly person: Person;
  readonly hoursAgo: number;
  readonly state?: 'approved' | 'denied' | 'ended';
  readonly podUid?: string;
  readonly cluster?: string;
  readonly debt?: ReviewDebt;
}

/** Sessions of the past, and how they are counted, on a database of its own. */
export class HistoryLab implements AsyncDisposable {
  private readonly store: PrismaSessionStore;
  private readonly history: PrismaHistory;
  readonly people: PrismaPeople;

  private constructor(
    private readonly fresh: TestDatabase,
    private readonly database: Database,
    readonly owner: pg.Client,
  ) {
    this.store = new PrismaSessionStore(database);
    this.history = new PrismaHistory(database);
    this.people = new PrismaPeople(database);
  }

  /** @param fresh the database, of its own, that it is on: one of the newest schema unless another is given. */
  static async start(fresh?: TestDatabase): Promise<HistoryLab> {
    fresh ??= await freshDatabase();
    const owner = new pg.Client({ connectionString: fresh.ownerUrl });
    await owner.connect();
    const database = new Database({ url: fresh.serviceUrl, poolSize: 2 }, () => undefined);
    return new HistoryLab(fresh, database, owner);
  }

  /** A session as it would have been written that long ago. */
  async had(past: Past): Promise<Session> {
    const { person, hoursAgo, state = 'ended', podUid = randomUUID(), cluster = 'sandbox' } = past;
    const at = inHours(-hoursAgo);
    const usual = newSession();
    const asked = {
      ...usual,
      requester: person,
      createdAt: at,
      request: {
        ...usual.request,
        cluster,
        target: { kind: 'pod', name: podUid } as const,
        breakGlass: past.debt !== undefined,
      },
      pin: { podName: 'web', podUid, nodeName: 'n1' },
    };
    const first = firstStep({
      session: asked,
      event: state === 'denied' ? 'refuse' : 'grant',
      capacities: ['requester'],
      actor: actorOf(person),
      at,
    });
    const written = await this.write({ ...first, ...(past.debt ? { debt: past.debt } : {}) });
    if (state !== 'ended') return written;
    return this.write(
      stepOf({
        session: written,
        event: 'lapse',
        capacities: ['system'],
        actor: SYSTEM,
        at,
        changes: { endReason: 'lapsed' },
      }),
    );
  }

  /** What policy is told of them: on a Pod, where one is given, and at {@link NOW} unless it says otherwise. */
  of(
    person: Identity,
    { podUid, now = NOW }: { podUid?: string; now?: Date } = {},
  ): Promise<HistoryFacts> {
    const on = podUid === undefined ? null : { cluster: 'sandbox', podUid };
    return this.history.of({ person, on, now });
  }

  async review(session: Session): Promise<void> {
    await this.owner.query(
      `INSERT INTO reviews (session_id, debtor_iss, debtor_sub, iss, sub, person, finding, comment, at)
       VALUES ($1, $2, $3, 'https://id.example', 'sam', '{}', 'justified', '', now())`,
      [session.id, session.requester.iss, session.requester.sub],
    );
  }

  private async write(step: Parameters<PrismaSessionStore['write']>[0]): Promise<Session> {
    const written = await this.store.write(step);
    if (isProblem(written)) throw new Error(written.detail, { cause: written.cause });
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owner.end();
    await this.database.close();
    await this.fresh.drop();
  }
}
