import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaNoticeStore } from '../../src/adapters/prisma/prisma-notice.store.js';
import { PrismaOutbox } from '../../src/adapters/prisma/prisma-outbox.js';
import { DeliverNews } from '../../src/app/deliver-news.js';
import { DeliverNotices } from '../../src/app/deliver-notices.js';
import { ChannelAway } from '../../src/app/ports/channel.js';
import { RouteNews } from '../../src/app/route-news.js';
import { SUBSCRIBED_KINDS } from '../../src/domain/notice/notice.kinds.js';
import type { Subscription } from '../../src/domain/notice/subscription.js';
import { BoxChannel } from '../support/box.channel.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

let fresh: TestDatabase;
let database: Database;
let notices: PrismaNoticeStore;
let journal: MemoryJournal;
const running: DeliverNotices[] = [];

beforeEach(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 6 }, () => undefined);
  notices = new PrismaNoticeStore(database);
  journal = new MemoryJournal();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((it) => it.stop()));
  await database.close();
  await fresh.drop();
});

function replica(channels: readonly BoxChannel[], name = 'one'): DeliverNotices {
  const delivering = new DeliverNotices({
    channels,
    notices,
    journal,
    replica: name,
    giveUpDays: 3,
    firstRetryMs: 5,
    lookMs: 5,
  });
  running.push(delivering);
  return delivering;
}

function started(channels: readonly BoxChannel[], name?: string): DeliverNotices {
  const delivering = replica(channels, name);
  delivering.start();
  return delivering;
}

const everything = (channel: string, over: Partial<Subscription> = {}): Subscription => ({
  channel,
  events: SUBSCRIBED_KINDS,
  clusters: ['*'],
  namespaces: ['*'],
  autoGranted: true,
  ...over,
});

/** On a busy machine. */
const SOON = { timeout: 10_000 };

function routing(
  subscriptions: readonly Subscription[],
  alarmChannels: readonly string[] = [],
): RouteNews {
  return new RouteNews({
    subscriptions,
    alarmChannels: new Set(alarmChannels),
    notices,
    store: { find: () => Promise.resolve(undefined) },
    publicUrl: 'https://hallpass.example.com',
  });
}

/** News of a bypass, each of a thread of its own; of a session, of one. */
async function news(count: number, topic = 'bypass'): Promise<void> {
  await database.pool.query(
    `INSERT INTO outbox (topic, session_id, payload, created_at)
     SELECT $2, $3, $4::jsonb, now() FROM generate_series(1, $1)`,
    [
      count,
      topic,
      topic === 'session' ? '0123456789abcdef' : null,
      JSON.stringify(
        topic === 'session'
          ? { event: 'run', from: 'starting', to: 'active' }
          : { bypass: { why: 'no-session', cluster: 'prod', namespace: 'payments' } },
      ),
    ],
  );
}

async function route(channels: readonly string[], count: number, topic?: string): Promise<void> {
  await news(count, topic);
  const to = routing(channels.map((it) => everything(it)));
  await new PrismaOutbox(database).deliver(1000, (it) => to.tell(it));
}

const idsOf = (box: BoxChannel) => box.taken.map(({ id }) => id);
const sorted = (ids: readonly bigint[]) => [...ids].sort((a, b) => Number(a - b));
const standing = async (name = 'box') => (await notices.standings([name]))[0];

describe('routing', () => {
  test('makes one notice for each channel that wants it, however often the news is told', async () => {
    await news(3);
    const to = routing([
      everything('a'),
      everything('b'),
      everything('b'),
      everything('c', { events: ['review.due'] }),
    ]);
    const told: unknown[] = [];
    await new PrismaOutbox(database).deliver(10, async (it) => {
      await to.tell(it);
      await to.tell(it);
      told.push(it.at);
    });
    const { rows } = await database.pool.query(
      'SELECT channel FROM notices ORDER BY news_id, channel',
    );
    expect(rows.map((it: { channel: string }) => it.channel)).toEqual([
      'a',
      'b',
      'a',
      'b',
      'a',
      'b',
    ]);
    expect(told[0]).toBeInstanceOf(Date);
  });

  test('news whose routing fails waits, and is routed when that passes', async () => {
    await news(1);
    const box = new BoxChannel();
    const broken = vi.spyOn(notices, 'add').mockRejectedValueOnce(new Error('away'));
    const delivering = new DeliverNews({
      outbox: new PrismaOutbox(database),
      notifiers: [routing([everything('box')])],
      clock: { now: () => new Date() },
      journal,
    });
    delivering.start();
    started([box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(1), SOON);
    await delivering.stop();
    expect(broken).toHaveBeenCalledTimes(2);
  });

  test('tells a channel of alarms what is over only where it was told that it began', async () => {
    const subscriptions = [
      everything('pager', { events: ['break-glass'] }),
      everything('deaf', { events: ['bypass'] }),
    ];
    const to = routing(subscriptions, ['pager', 'deaf']);
    const step = (event: string, state: string) => ({ event, from: 'new', to: state });
    for (const payload of [step('break-glass', 'approved'), step('finish', 'ended')]) {
      await database.pool.query(
        `INSERT INTO outbox (topic, session_id, payload, created_at) VALUES ('session', '0123456789abcdef', $1::jsonb, now())`,
        [JSON.stringify(payload)],
      );
    }
    await new PrismaOutbox(database).deliver(10, (it) => to.tell(it));
    const { rows } = await database.pool.query('SELECT channel, kind FROM notices ORDER BY id');
    expect(rows).toEqual([
      { channel: 'pager', kind: 'break-glass' },
      { channel: 'pager', kind: 'session.ended' },
    ]);
  });
});

describe('delivery', () => {
  test('brings every notice once and in order, and goes on after a restart', async () => {
    await route(['box'], 12);
    const box = new BoxChannel();
    const first = started([box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(12), SOON);
    await first.stop();
    await route(['box'], 3);
    started([box], 'two');
    await vi.waitFor(() => expect(box.taken).toHaveLength(15), SOON);
    expect(idsOf(box)).toEqual(sorted(idsOf(box)));
    // What the channel took is written after it took it.
    await vi.waitFor(async () => {
      expect(await standing()).toMatchObject({ waiting: 0, dead: 0, failingSince: null });
    }, SOON);
  });

  test('by two replicas at once brings each notice once', async () => {
    await route(['box'], 30);
    const box = new BoxChannel();
    started([box], 'one');
    started([box], 'two');
    await vi.waitFor(async () => expect(await standing()).toMatchObject({ waiting: 0 }), SOON);
    expect(idsOf(box)).toHaveLength(30);
    expect(new Set(idsOf(box)).size).toBe(30);
  });

  test('to a channel that is slow, away or refuses holds up no other', async () => {
    await route(['slow', 'away', 'rude', 'box'], 5);
    const [slow, away, rude, box] = ['slow', 'away', 'rude', 'box'].map((it) => new BoxChannel(it));
    if (!slow || !away || !rude || !box) throw new Error('a box is missing');
    const { promise, resolve } = Promise.withResolvers<'taken'>();
    slow.answer = () => promise;
    away.answer = () => Promise.reject(new ChannelAway('is away'));
    rude.answer = () => ({ refused: 'no' });
    started([slow, away, rude, box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(5), SOON);
    await vi.waitFor(async () => expect(await standing('rude')).toMatchObject({ dead: 5 }), SOON);
    // Each is told by itself: these may come after the others.
    await vi.waitFor(async () => {
      expect(await standing('away')).toMatchObject({ waiting: 5, lastError: 'is away' });
    }, SOON);
    await vi.waitFor(() => expect(slow.tries).toBe(1), SOON);
    resolve('taken');
    await vi.waitFor(() => expect(slow.taken).toHaveLength(5), SOON);
  });

  test('keeps the order within a thread, whatever fails in between', async () => {
    await route(['box'], 6, 'session');
    const box = new BoxChannel();
    let failures = 0;
    box.answer = () => {
      if (box.tries % 3 !== 0) return 'taken';
      failures += 1;
      throw new ChannelAway('hiccup');
    };
    started([box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(6), SOON);
    expect(failures).toBeGreaterThan(0);
    expect(idsOf(box)).toEqual(sorted(idsOf(box)));
  });

  test('of a thread waits for the first of it, and for that of no other thread', async () => {
    await route(['box'], 2, 'session');
    const first = await notices.claim('box', 'one', 60);
    await notices.postpone('box', first?.id ?? 0n, { channelMs: 0, noticeMs: 60_000 });
    expect(await notices.claim('box', 'one', 60)).toBeUndefined();
    await route(['box'], 1);
    expect(await notices.claim('box', 'one', 60)).toMatchObject({ kind: 'bypass' });
  });

  test('of one notice that a channel never answers to holds up the other threads for moments only', async () => {
    await route(['box'], 4);
    const box = new BoxChannel();
    let poison: bigint | undefined;
    box.answer = ({ id }) => {
      poison ??= id;
      if (id === poison) throw new Error('a bug of theirs');
      return 'taken';
    };
    started([box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(3), SOON);
    // What the channel took is written after it took it.
    await vi.waitFor(async () => {
      expect(await standing()).toMatchObject({ waiting: 1, dead: 0 });
    }, SOON);
  });

  test('catches up at once when a channel is back after an outage', async () => {
    await route(['box'], 20);
    const box = new BoxChannel();
    let isAway = true;
    box.answer = () => {
      if (isAway) throw new ChannelAway('is away');
      return 'taken';
    };
    started([box]);
    await vi.waitFor(() => expect(box.tries).toBeGreaterThan(4), SOON);
    const away = { waiting: 20, lastError: 'is away', failingSince: expect.any(Date) as Date };
    expect(await standing()).toMatchObject(away);
    isAway = false;
    await vi.waitFor(() => expect(box.taken).toHaveLength(20), SOON);
    await vi.waitFor(async () => {
      expect(await standing()).toMatchObject({ failingSince: null, lastError: null });
    }, SOON);
  });

  test('leaves a channel alone for as long as it asks, from every replica', async () => {
    await route(['box'], 2);
    const box = new BoxChannel();
    box.answer = () => {
      throw new ChannelAway('too many', 60_000);
    };
    const [one, two] = [replica([box], 'one'), replica([box], 'two')];
    await one.once(box);
    await notices.release('box', 'one');
    expect(await two.once(box)).toBe(false);
    expect(await one.once(box)).toBe(false);
    expect(box.tries).toBe(1);
    const { rows } = await database.pool.query<{ seconds: number }>(
      `SELECT extract(epoch FROM resume_at - now())::float8 AS seconds FROM notice_channels`,
    );
    expect(rows[0]?.seconds).toBeGreaterThan(50);
  });

  test('that was cut off between the telling and the mark comes again under the same id', async () => {
    await route(['box'], 1);
    const box = new BoxChannel();
    const broken = vi.spyOn(notices, 'delivered').mockRejectedValueOnce(new Error('cut off'));
    started([box]);
    await vi.waitFor(() => expect(box.taken).toHaveLength(2), SOON);
    expect(box.taken[0]?.body).toEqual(box.taken[1]?.body);
    expect(broken).toHaveBeenCalled();
  });

  test('to a channel that is gone stops until it is another one, and then goes on', async () => {
    await route(['box'], 3);
    const box = new BoxChannel();
    box.answer = () => ({ gone: 'it answered 410' });
    const first = started([box]);
    await vi.waitFor(async () => expect((await standing())?.disabledAt).toBeInstanceOf(Date), SOON);
    await first.stop();
    box.answer = () => 'taken';
    const same = started([box], 'two');
    expect(await same.once(box)).toBe(false);
    await same.stop();
    expect(box.tries).toBe(1);
    expect(journal.lines.filter(({ message }) => message.includes('is gone'))).toHaveLength(1);
    box.fingerprint = 'another box';
    started([box], 'three');
    await vi.waitFor(() => expect(box.taken).toHaveLength(3), SOON);
  });

  test('is given up after days, which is told', async () => {
    await route(['box'], 2);
    await database.pool.query(
      `UPDATE notices SET created_at = now() - interval '3 days 1 minute'
       WHERE id = (SELECT min(id) FROM notices)`,
    );
    const box = new BoxChannel();
    box.answer = () => {
      throw new ChannelAway('is away');
    };
    started([box]);
    await vi.waitFor(
      async () => expect(await standing()).toMatchObject({ dead: 1, waiting: 1 }),
      SOON,
    );
    // It is told when it is written.
    await vi.waitFor(
      () =>
        expect(journal.lines).toContainEqual(
          expect.objectContaining({ level: 'error', message: 'notices were given up' }),
        ),
      SOON,
    );
  });

  test('never changes a notice that is done', async () => {
    await route(['box'], 1);
    const box = new BoxChannel();
    started([box]);
    await vi.waitFor(async () => expect(await standing()).toMatchObject({ waiting: 0 }), SOON);
    const back = database.pool.query(`UPDATE notices SET state = 'waiting', done_at = NULL`);
    await expect(back).rejects.toThrow('is not changed any more');
  });
});
