import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaIncidents } from '../../src/adapters/prisma/prisma-incidents.js';
import { PrismaOutbox } from '../../src/adapters/prisma/prisma-outbox.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaReviewStore } from '../../src/adapters/prisma/prisma-review.store.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { PrismaSlackPosts } from '../../src/adapters/prisma/prisma-slack.posts.js';
import { SlackRenderer } from '../../src/adapters/slack/slack.renderer.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { KeepPosts } from '../../src/app/keep-posts.js';
import { NotePerson } from '../../src/app/note-person.js';
import type { News } from '../../src/app/ports/outbox.js';
import { SlackPeople } from '../../src/app/ports/slack.people.js';
import type { Turn } from '../../src/app/ports/slack.posts.js';
import { ReviewSession } from '../../src/app/review-session.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import type { Changes } from '../../src/app/session-step.js';
import { WatchIncidents } from '../../src/app/watch-incidents.js';
import type { Person } from '../../src/domain/person.js';
import { namesOf } from '../../src/domain/person.js';
import type { BreakGlass, Grant } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import { extensionOf } from '../../src/domain/session/extension.js';
import type { Session } from '../../src/domain/session/session.js';
import type { Capacity, SessionEvent } from '../../src/domain/session/session.machine.js';
import { callerOf } from './consent.lab.js';
import { HandClock, MemoryJournal } from './in-memory.ports.js';
import { putInForce } from './policy.archives.js';
import { requirement, setOf } from './policies.js';
import { freshDatabase } from './postgres.js';
import type { TestDatabase } from './postgres.js';
import { BOUNDS } from './session.bounds.js';
import { actorOf, grantOf, newSession, ROBIN, SYSTEM } from './sessions.js';
import { SlackLab } from './slack.lab.js';

const SET = setOf([]);

/** Accounts that are tied to identities, by hand. */
export class KnownSlackPeople extends SlackPeople {
  readonly users = new Map<string, string>();

  tie(person: Person, user: string): void {
    for (const name of namesOf(person)) this.users.set(name, user);
  }

  override userOf({ iss, sub }: Pick<Person, 'iss' | 'sub'>): Promise<string | undefined> {
    return Promise.resolve(this.users.get(`${iss}|${sub}`));
  }

  override usersNamed(names: readonly string[]): Promise<readonly string[]> {
    return Promise.resolve(names.flatMap((name) => this.users.get(name) ?? []));
  }
}

/** Sessions in a real database, and their messages in a workspace. Replicas are made with {@link replica}. */
export class PostsLab {
  readonly people = new KnownSlackPeople();
  readonly journal = new MemoryJournal();
  readonly clock = new HandClock();
  readonly store: PrismaSessionStore;
  readonly posts: PrismaSlackPosts;
  private readonly reviews: PrismaReviewStore;
  private readonly deciding: DecideSession;

  private constructor(
    readonly slack: SlackLab,
    private readonly fresh: TestDatabase,
    readonly database: Database,
    readonly approvals: string,
    readonly security: string,
  ) {
    const { clock, journal } = this;
    const people = new PrismaPeople(database);
    this.store = new PrismaSessionStore(database);
    this.posts = new PrismaSlackPosts(database);
    this.reviews = new PrismaReviewStore(database);
    this.deciding = new DecideSession({
      store: this.store,
      people,
      note: new NotePerson({ people, clock, journal }),
      clock,
      bounds: BOUNDS,
    });
  }

  static async open(): Promise<PostsLab> {
    const [slack, fresh] = await Promise.all([SlackLab.open(), freshDatabase()]);
    const database = new Database({ url: fresh.serviceUrl, poolSize: 8 }, () => undefined);
    await putInForce(new PrismaPolicyArchive(database), SET);
    const [approvals, security] = await Promise.all([
      slack.channel('approvals'),
      slack.channel('security'),
    ]);
    return new PostsLab(slack, fresh, database, approvals, security);
  }

  /** A replica that looks at messages when it is told to. */
  replica(name = 'one', over: { readonly callMs?: number } = {}): KeepPosts {
    const { posts, people, store, clock, journal, security } = this;
    return new KeepPosts({
      api: this.slack.api(over.callMs),
      posts,
      renderer: new SlackRenderer('https://hallpass.example'),
      people,
      store,
      reviews: this.reviews,
      clock,
      journal,
      replica: name,
      securityChannel: security,
      firstRetryMs: 1,
      random: () => 0,
    });
  }

  /** What the rule grants to those for whom `count` of the leads consent, told in the channel. */
  grant(over: Partial<Grant> = {}, count = 2): Grant {
    const grant = grantOf(SET.hash, ...(count > 0 ? [requirement(count, 'payments-leads')] : []));
    const slack = { channels: [this.approvals], consent: 'counts', profiles: ['*'] } as const;
    return { ...grant, terms: { ...grant.terms, slack }, ...over };
  }

  /** Robin asks, and the first step of it is written. */
  async ask(over: Partial<Session> = {}, event: SessionEvent = 'ask'): Promise<Session> {
    const at = this.clock.now();
    const session = newSession({ grant: this.grant(), ...over, createdAt: at, updatedAt: at });
    const actor = actorOf(ROBIN);
    return made(
      await this.store.write(firstStep({ session, event, capacities: ['requester'], actor, at })),
    );
  }

  /** Robin lets themselves in, and owes a review within an hour. */
  async breakGlass(): Promise<Session> {
    const at = this.clock.now();
    const breakGlass: BreakGlass = {
      signIn: { acr: [], amr: [], maxAgeSeconds: null },
      review: { groups: ['payments-leads'], users: [], withinSeconds: 3_600 },
      debt: { of: 'person' },
    };
    const grant = this.grant({ breakGlass: true });
    const session = newSession({
      grant: { ...grant, terms: { ...grant.terms, breakGlass } },
      createdAt: at,
      updatedAt: at,
    });
    const request = { ...session.request, breakGlass: true };
    const step = firstStep({
      session: { ...session, request },
      event: 'break-glass',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at,
    });
    const debt = { team: null, dueAt: new Date(at.getTime() + 3_600_000) };
    return made(await this.store.write({ ...step, debt }));
  }

  /** A word on broken glass, once its session has ended. */
  async review(who: Person, { id }: Session): Promise<Session> {
    const { store, clock } = this;
    const people = new PrismaPeople(this.database);
    const reviewing = new ReviewSession({ store, reviews: this.reviews, people, clock });
    const word = { finding: 'justified', comment: 'the pool was exhausted' } as const;
    return made(await reviewing.review(callerOf(who, 1), id, word));
  }

  /** What a replica looks for by itself. */
  async look(): Promise<void> {
    await new WatchIncidents({
      incidents: new PrismaIncidents(this.database),
      reviews: this.reviews,
      parted: () => undefined,
      isWhole: () => false,
      anchors: [],
      anchorLags: () => Promise.resolve([]),
      sinks: () => Promise.resolve([]),
      clock: this.clock,
      journal: this.journal,
    }).look();
  }

  /** All news that waits comes to a replica, which does what it asks for. @returns what it was. */
  async deliver(keeper = this.replica()): Promise<string[]> {
    const told: string[] = [];
    const outbox = new PrismaOutbox(this.database);
    const tell = (news: News) => {
      told.push(news.topic);
      return keeper.tell(news);
    };
    while ((await outbox.deliver(100, tell)) > 0);
    while ((await keeper.once()) > 0);
    return told;
  }

  async say(
    who: Person,
    { id, version }: Session,
    verdict: 'approve' | 'deny',
    comment?: string,
  ): Promise<Session> {
    const word = { verdict, seenVersion: version, ...(comment === undefined ? {} : { comment }) };
    return made(await this.deciding.decide(callerOf(who, 1), id, word));
  }

  /** A step of the broker's own, or of somebody's in that capacity. */
  async step(
    session: Session,
    event: SessionEvent,
    changes: Changes = {},
    capacity: Capacity = 'system',
  ): Promise<Session> {
    const capacities = [capacity];
    const at = this.clock.now();
    const actor = capacity === 'system' ? SYSTEM : actorOf(ROBIN);
    return made(await this.store.write(stepOf({ session, event, capacities, actor, at, changes })));
  }

  /** Its container is added, and runs. */
  async run(session: Session): Promise<Session> {
    const at = this.clock.now();
    const container = { name: `hallpass-${session.id}`, image: 'busybox', startBy: at };
    const starting = await this.step(session, 'start', { startingAt: at, container });
    const deadlineAt = new Date(at.getTime() + 600_000);
    return this.step(starting, 'run', { startedAt: at, deadlineAt });
  }

  /** More time is granted to a session that runs; it has not got it yet. */
  extend(session: Session): Promise<Session> {
    const now = { at: this.clock.now(), startDeadlineSeconds: 60 };
    return this.step(session, 'extend', extensionOf(session, 300, now), 'requester');
  }

  /** A replica takes its turn at a session, and nothing more. */
  async turn({ id }: Session, replica: string): Promise<Turn[]> {
    await this.posts.want(id);
    return this.posts.claim(replica, 60, 100);
  }

  /** Has a session looked at, and all that is due with it, until nothing is. */
  async keep(session: Session, keeper = this.replica()): Promise<void> {
    await keeper.tell({ sessionId: session.id });
    while ((await keeper.once()) > 0);
  }

  async close(): Promise<void> {
    await this.database.close();
    await Promise.all([this.slack.close(), this.fresh.drop()]);
  }
}

function made(outcome: Session | Problem): Session {
  if (isProblem(outcome)) throw new Error(`${outcome.problem}: ${outcome.detail}`);
  return outcome;
}
