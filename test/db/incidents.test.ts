import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PrismaIncidents } from '../../src/adapters/prisma/prisma-incidents.js';
import { PrismaNoticeStore } from '../../src/adapters/prisma/prisma-notice.store.js';
import { DeliverNotices } from '../../src/app/deliver-notices.js';
import type { Notice } from '../../src/app/ports/channel.js';
import { RouteNews } from '../../src/app/route-news.js';
import { WatchIncidents } from '../../src/app/watch-incidents.js';
import { SUBSCRIBED_KINDS } from '../../src/domain/notice/notice.kinds.js';
import { BoxChannel } from '../support/box.channel.js';
import { GlassLab } from '../support/glass.lab.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { approvals, policyOf, requirement } from '../support/policies.js';

const HOUR_SECONDS = 3_600;
const PAYMENTS = policyOf('payments', {
  match: { namespaces: ['payments'] },
  terms: {
    approvals: approvals(requirement(1, 'payments-leads')),
    breakGlass: {
      signIn: { acr: [], amr: [], maxAgeSeconds: null },
      review: { groups: [], users: ['casey'], withinSeconds: HOUR_SECONDS },
      debt: { of: 'person' },
    },
  },
});
const ROBIN = { sub: 'robin', name: 'Robin Requester', groups: ['oncall'] };
const AUDREY = { sub: 'audrey', groups: ['auditors'] };

let lab: GlassLab;
let journal: MemoryJournal;
let box: BoxChannel;
let begun: Date;
beforeAll(async () => {
  lab = await GlassLab.start([PAYMENTS]);
  begun = lab.clock.now();
});
beforeEach(() => {
  journal = new MemoryJournal();
  box = new BoxChannel();
});
afterAll(() => lab[Symbol.asyncDispose]());

type Over = Partial<ConstructorParameters<typeof WatchIncidents>[0]>;
const replica = (over: Over = {}): WatchIncidents =>
  new WatchIncidents({
    incidents: new PrismaIncidents(lab.database),
    reviews: lab.reviews,
    parted: () => undefined,
    isWhole: () => false,
    anchors: [],
    anchorLags: () => Promise.resolve([]),
    sinks: () => Promise.resolve([]),
    clock: lab.clock,
    journal,
    ...over,
  });

/** Routes and delivers all that waits. @returns what the channel was told anew. */
async function told(): Promise<Notice[]> {
  const notices = new PrismaNoticeStore(lab.database);
  const all = { clusters: ['*'], namespaces: ['*'], autoGranted: true };
  const route = new RouteNews({
    subscriptions: [{ ...all, channel: 'box', events: SUBSCRIBED_KINDS }],
    alarmChannels: new Set(),
    notices,
    store: lab.store,
    publicUrl: 'https://hallpass.example.com',
  });
  await lab.outbox.deliver(100, (news) => route.tell(news));
  const deps = { channels: [box], notices, journal, replica: 'one', giveUpDays: 3 };
  const deliver = new DeliverNotices(deps);
  while (await deliver.once(box));
  return box.taken.splice(0);
}

const kinds = (notices: readonly Notice[]) => notices.map(({ kind }) => kind);

describe('reviews', () => {
  test('are told of when the glass is broken, when one is due soon, overdue, and done: once each', async () => {
    const { body } = await lab.ask(ROBIN, { reason: 'orders are stuck', ticket: 'INC-7' });
    const path = `/v1/sessions/${body.id}/end`;
    await lab.call('endSession', { as: ROBIN, path, body: {} });
    const first = await told();
    expect(kinds(first)).toEqual(['break-glass', 'session.ended']);
    expect(first[0]?.body).toMatchObject({
      cluster: 'sandbox',
      namespace: 'payments',
      session: { id: body.id, reason: 'orders are stuck', ticket: 'INC-7', breakGlass: true },
      details: { reviewDueAt: new Date(begun.getTime() + HOUR_SECONDS * 1000).toISOString() },
      url: `https://hallpass.example.com/sessions/${body.id}`,
    });

    await replica().look();
    expect(await told()).toEqual([]);
    lab.clock.advance(HOUR_SECONDS * 0.8);
    await Promise.all([replica().look(), replica().look()]);
    await replica().look();
    expect(kinds(await told())).toEqual(['review.due']);
    lab.clock.advance(HOUR_SECONDS * 0.3);
    await Promise.all([replica().look(), replica().look()]);
    const overdue = await told();
    expect(kinds(overdue)).toEqual(['review.overdue']);
    await lab.review(AUDREY, body.id);
    const done = await told();
    expect(kinds(done)).toEqual(['review.done']);
    expect(done[0]?.closes).toEqual([overdue[0]?.alarm]);
    await replica().look();
    expect(await told()).toEqual([]);
  });
});

describe('the audit log', () => {
  test('that parts is told once for each way in which it does', async () => {
    const parted = (why: string) => replica({ parted: () => ({ why, since: begun }) });
    await Promise.all([parted('event 7 was changed').look(), parted('event 7 was changed').look()]);
    await parted('event 9 was changed').look();
    const notices = await told();
    expect(kinds(notices)).toEqual(['log.parted', 'log.parted']);
    expect(notices[0]?.body.details).toMatchObject({ why: 'event 7 was changed' });
  });

  test('is told to be signed again when a replica found all of it so and none holds to the contrary, and closes the alarm', async () => {
    const parted = replica({ parted: () => ({ why: 'event 8 was changed', since: begun }) });
    const whole = replica({ isWhole: () => true });
    const past = (seconds: number) =>
      lab.database.pool.query(`UPDATE incidents SET seen_at = now() - make_interval(secs => $1)`, [
        seconds,
      ]);
    await lab.database.pool.query('DELETE FROM incidents');
    await whole.look();
    await parted.look();
    const [raised] = await told();
    await whole.look();
    await past(151);
    await parted.look();
    await whole.look();
    expect(await told()).toEqual([]);
    await past(151);
    await replica().look();
    expect(await told()).toEqual([]);
    await Promise.all([whole.look(), replica({ isWhole: () => true }).look()]);
    const over = await told();
    expect(kinds(over)).toEqual(['log.mended']);
    expect(over[0]).toMatchObject({ alarm: null, closes: [raised?.alarm] });
    await parted.look();
    expect(kinds(await told())).toEqual(['log.parted']);
  });

  test('whose anchor lags by more than its periods is told, then that it is back, and the next time again', async () => {
    const lags = (seconds: number) =>
      replica({
        anchors: [{ name: 'vault', everySeconds: 600 }],
        anchorLags: () => Promise.resolve([{ name: 'vault', events: 12, seconds }]),
      });
    for (const seconds of [0, 1_000, 1_801, 2_000, 0, 0, 1_801]) await lags(seconds).look();
    expect(kinds(await told())).toEqual(['anchor.failing', 'anchor.recovered', 'anchor.failing']);
  });

  test('whose sink fails for long is told, then that it is back', async () => {
    const sink = (minutes: number | null) =>
      replica({
        sinks: () =>
          Promise.resolve([
            {
              name: 'siem',
              lagEvents: 3,
              lagSeconds: 4,
              deadLetters: 0,
              next: 1,
              replaying: 0,
              lastError: null,
              failingSince:
                minutes === null ? null : new Date(lab.clock.now().getTime() - minutes * 60_000),
            },
          ]),
      });
    for (const minutes of [1, 14, 16, 20, null, null]) await sink(minutes).look();
    expect(kinds(await told())).toEqual(['sink.failing', 'sink.recovered']);
  });

  test('that cannot be looked at keeps nobody from hearing of the rest', async () => {
    await replica({
      anchors: [{ name: 'vault', everySeconds: 600 }],
      anchorLags: () => Promise.reject(new Error('the database is away')),
      parted: () => ({ why: 'event 11 was changed', since: begun }),
    }).look();
    expect(kinds(await told())).toEqual(['log.parted']);
    expect(journal.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });
});
