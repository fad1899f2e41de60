import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PrismaDeadLetters } from '../../src/adapters/prisma/prisma-dead.letters.js';
import { PrismaSinkStore } from '../../src/adapters/prisma/prisma-sink.store.js';
import { PrismaLogRetention } from '../../src/adapters/prisma/prisma-log.retention.js';
import { DeliverLog } from '../../src/app/deliver-log.js';
import type { Delivered } from '../../src/app/ports/sink.js';
import { Sink, SinkAway } from '../../src/app/ports/sink.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { LoggedEvent } from '../../src/domain/audit/logged.event.js';
import { RetainLog } from '../../src/app/retain-log.js';
import { LogLab } from '../support/log.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

let lab: LogLab;
let cursors: PrismaSinkStore;
let letters: PrismaDeadLetters;
beforeEach(async () => {
  lab = await LogLab.start();
  cursors = new PrismaSinkStore(lab.database);
  letters = new PrismaDeadLetters(lab.database);
});
afterEach(() => lab[Symbol.asyncDispose]());

/** A receiver that keeps what it takes, and does as it is told. */
class Box extends Sink {
  readonly batch = 10;
  readonly everyMs = 5;
  readonly taken: number[] = [];
  readonly texts: string[] = [];
  isAway = false;
  refuses: (index: number) => boolean = () => false;
  /** Called when a batch was taken, before that is known to whoever delivers. */
  afterTaking: () => void = () => undefined;

  constructor(readonly name = 'siem') {
    super();
  }

  override async deliver(events: readonly LoggedEvent[]): Promise<Delivered> {
    if (this.isAway) throw new SinkAway('is away');
    if (events.some(({ index }) => this.refuses(index))) return { refused: 'too odd' };
    this.taken.push(...events.map(({ index }) => index));
    this.texts.push(...events.map(({ text }) => text));
    this.afterTaking();
    return 'taken';
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A receiver that takes the connection and never says anything, whatever signal it is given. */
class Stuck extends Sink {
  readonly batch = 10;
  readonly everyMs = 5;
  asked = 0;

  constructor(readonly name = 'stuck') {
    super();
  }

  override deliver(): Promise<Delivered> {
    this.asked += 1;
    return new Promise(() => undefined);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

function replica(name: string, sinks: readonly Sink[], over = {}): DeliverLog {
  const { store: log, journal } = lab;
  const common = { cursors, letters, log, journal, clock, firstRetryMs: 5 };
  return new DeliverLog({ ...common, sinks, replica: name, ...over });
}

async function placed(count: number): Promise<void> {
  await lab.write(count);
  const sequencer = lab.replica();
  while ((await sequencer.once()) === 'more');
}

const clock = { now: () => new Date() };
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
/** On a busy machine. */
const soon = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000 });
const standing = async (name = 'siem') => (await cursors.standings([name]))[0];

describe('delivery of the log', () => {
  test('brings every event in order, and goes on where it was after a restart', async () => {
    await placed(25);
    const box = new Box();
    const first = replica('one', [box]);
    first.start();
    await soon(() => expect(box.taken).toEqual(upTo(25)));
    await first.stop();
    await placed(8);
    expect(await standing()).toMatchObject({ lagEvents: 8, deadLetters: 0 });
    const second = replica('two', [box]);
    second.start();
    await soon(() => expect(box.taken).toEqual(upTo(33)));
    await soon(async () => expect(await standing()).toMatchObject({ lagEvents: 0, lagSeconds: 0 }));
    await second.stop();
  });

  test('is by one replica at a time, and by another when that is gone', async () => {
    await placed(60);
    const box = new Box();
    const replicas = ['one', 'two', 'three'].map((name) => replica(name, [box]));
    for (const it of replicas) it.start();
    await soon(() => expect(box.taken).toEqual(upTo(60)));
    await replicas[0]?.stop();
    await replicas[1]?.stop();
    await placed(5);
    await soon(() => expect(box.taken).toEqual(upTo(65)));
    await replicas[2]?.stop();
  });

  test('skips nothing where the sink is away, and holds up no other sink', async () => {
    await placed(12);
    const away = new Box('away');
    const other = new Box('other');
    away.isAway = true;
    const delivering = replica('one', [away, other]);
    delivering.start();
    await soon(() => expect(other.taken).toEqual(upTo(12)));
    await soon(async () => {
      const { lagEvents, failingSince, lagSeconds } = (await standing('away')) ?? {};
      expect({ lagEvents, isFailing: failingSince instanceof Date }).toEqual({
        lagEvents: 12,
        isFailing: true,
      });
      expect(lagSeconds).toBeGreaterThan(0);
    });
    away.isAway = false;
    await soon(() => expect(away.taken).toEqual(upTo(12)));
    await soon(async () =>
      expect(await standing('away')).toMatchObject({ lagEvents: 0, failingSince: null }),
    );
    await delivering.stop();
  });

  test('puts by what a sink refuses for good, that event alone, and goes on', async () => {
    await placed(30);
    const box = new Box();
    box.refuses = (index) => index === 3 || index === 17 || index === 29;
    const delivering = replica('one', [box]);
    delivering.start();
    await soon(async () =>
      expect(await standing()).toMatchObject({ lagEvents: 0, deadLetters: 3 }),
    );
    await delivering.stop();
    expect(box.taken).toEqual(upTo(30).filter((index) => !box.refuses(index)));
    const { rows } = await lab.database.pool.query(
      'SELECT index::int, reason FROM audit_dead_letters ORDER BY index',
    );
    expect(rows).toEqual([3, 17, 29].map((index) => ({ index, reason: 'too odd' })));
  });

  test('tells of each event that is put by, and of no such telling, whichever sink refuses it', async () => {
    await placed(3);
    const boxes = [new Box('one'), new Box('other')];
    // They take nothing at all, and so refuse what is told of one another as well.
    for (const box of boxes) box.refuses = () => true;
    const delivering = replica('one', boxes);
    delivering.start();
    const sequencer = lab.replica();
    const told = 3 * boxes.length;
    await soon(async () => {
      await sequencer.once();
      for (const { name } of boxes)
        expect(await standing(name)).toMatchObject({ lagEvents: 0, deadLetters: 3 + told });
    });
    await delivering.stop();
    expect(await sequencer.once()).toBe('all');
    expect(await lab.count('audit_events')).toBe(3 + told);
    const bodies = (await lab.store.entries(3, told)).map(({ body }): unknown =>
      JSON.parse(body.toString()),
    );
    const [first] = await lab.store.entries(0, 1);
    expect(bodies).toContainEqual(
      expect.objectContaining({
        action: 'log.undelivered',
        outcome: 'failure',
        actor: { kind: 'system', replica: 'one', channel: 'system' },
        data: {
          sink: 'other',
          index: 0,
          event: first?.eventId,
          of: 'session.finish',
          reason: 'too odd',
        },
      }),
    );
  });

  test('writes no event of a dead letter whose cursor did not move', async () => {
    await placed(1);
    const box = new Box();
    box.refuses = () => true;
    await cursors.claim('siem', 'two', 60);
    expect(await replica('one', [box]).once(box)).toBe('elsewhere');
    // Another one takes it in between.
    const advance = cursors.advance.bind(cursors);
    cursors.advance = (args) => advance({ ...args, holder: 'gone' });
    expect(await replica('two', [box]).once(box)).toBe('elsewhere');
    expect(await lab.count('audit_events')).toBe(1);
    expect(await lab.count('audit_dead_letters')).toBe(0);
  });

  test('brings again what it cannot know to have come', async () => {
    await placed(10);
    const box = new Box();
    // It took the batch, and the answer was lost.
    box.afterTaking = () => {
      box.afterTaking = () => undefined;
      throw new SinkAway('the answer was lost');
    };
    const delivering = replica('one', [box]);
    delivering.start();
    await soon(() => expect(box.taken).toEqual([...upTo(10), ...upTo(10)]));
    await delivering.stop();
  });

  test('stops before an event that was removed, and says which', async () => {
    await placed(10);
    await lab.asInsider('DELETE FROM audit_leaves WHERE index = 4');
    const sink = new Box();
    const delivering = replica('one', [sink]);
    await expect(delivering.once(sink)).rejects.toThrow('no event at place 4');
    expect(sink.taken).toEqual([]);
    await delivering.stop();
  });

  test('moves no cursor that another replica has, and none back', async () => {
    await placed(10);
    const name = 'siem';
    expect(await cursors.claim(name, 'one', 60)).toBe(0);
    expect(await cursors.claim(name, 'two', 60)).toBeUndefined();
    const args = { name, from: 0, to: 10, dead: [] };
    expect(await cursors.advance({ ...args, holder: 'two' })).toBe(false);
    expect(await cursors.advance({ ...args, holder: 'one' })).toBe(true);
    expect(await cursors.advance({ ...args, holder: 'one' })).toBe(false);
    const back = lab.database.pool.query('UPDATE audit_sinks SET next = 0');
    await expect(back).rejects.toThrow('does not go back');
    // A replica that died lets go by time.
    expect(await cursors.claim(name, 'one', 0)).toBe(10);
    await soon(async () => expect(await cursors.claim(name, 'two', 60)).toBe(10));
  });
});

describe('dead letters', () => {
  const tell = (of: object) =>
    auditEntry({
      at: new Date(),
      action: 'log.replayed',
      outcome: 'success',
      actor: actorOf(ROBIN),
      data: { ...of },
    });
  const list = async (page: { limit: number; after?: number } = { limit: 99 }) =>
    (await letters.list('siem', page)).map(({ index }) => index);

  /** Thirty events of which three were refused; what is told of them has its place and was taken. */
  async function putBy(box: Box): Promise<DeliverLog> {
    await placed(30);
    box.refuses = (index) => index === 3 || index === 17 || index === 29;
    const delivering = replica('one', [box]);
    while ((await delivering.once(box)) !== 'all');
    const sequencer = lab.replica();
    while ((await sequencer.once()) === 'more');
    while ((await delivering.once(box)) !== 'all');
    expect(await standing()).toMatchObject({ lagEvents: 0, deadLetters: 3, replaying: 0 });
    return delivering;
  }

  test('are listed in the order of their places, page by page', async () => {
    await putBy(new Box());
    expect(await list()).toEqual([3, 17, 29]);
    expect(await list({ limit: 2 })).toEqual([3, 17]);
    expect(await list({ limit: 2, after: 17 })).toEqual([29]);
    expect(await letters.list('other', { limit: 9 })).toEqual([]);
    expect((await letters.list('siem', { limit: 1 }))[0]).toMatchObject({
      action: 'session.finish',
      reason: 'too odd',
      replayAt: null,
    });
  });

  test('are delivered again once somebody asks: in order, each alone and once, and others meanwhile', async () => {
    const box = new Box();
    const delivering = await putBy(box);
    expect(await delivering.once(box)).toBe('all');
    box.refuses = () => false;
    box.taken.length = 0;
    // Asked twice, it is done once, and one event tells of it.
    const asked = await Promise.all([letters.replay('siem', tell), letters.replay('siem', tell)]);
    expect(asked.toSorted()).toEqual([0, 3]);
    expect(await standing()).toMatchObject({ deadLetters: 3, replaying: 3 });
    await placed(1);
    while ((await delivering.once(box)) !== 'all');
    const rest = box.taken.filter((index) => index < 30);
    expect(rest).toEqual([3, 17, 29]);
    // The event of the asking, and the one that was written meanwhile.
    expect(box.taken.filter((index) => index > 30)).toEqual([33, 34]);
    expect(await standing()).toMatchObject({ lagEvents: 0, deadLetters: 0, replaying: 0 });
    expect(await list()).toEqual([]);
    expect(await letters.replay('siem', tell)).toBe(0);
    const { rows } = await lab.database.pool.query(
      `SELECT convert_from(body, 'UTF8')::json -> 'data' AS data FROM audit_events WHERE action = 'log.replayed'`,
    );
    expect(rows).toEqual([{ data: { count: 3, first: 3, last: 29 } }]);
  });

  test('that are refused again stay, with why, and hold up neither the others nor the log', async () => {
    const box = new Box();
    const delivering = await putBy(box);
    box.refuses = (index) => index === 17;
    await letters.replay('siem', tell);
    while ((await delivering.once(box)) !== 'all');
    expect(await list()).toEqual([17]);
    // Where the sink is away they are put by as well: it is asked for again.
    const sequencer = lab.replica();
    while ((await sequencer.once()) === 'more');
    while ((await delivering.once(box)) !== 'all');
    await letters.replay('siem', tell);
    box.isAway = true;
    expect(await delivering.once(box)).toBe('more');
    expect(await letters.list('siem', { limit: 9 })).toMatchObject([
      { index: 17, reason: 'is away', replayAt: null },
    ]);
    // No event tells of what was told of before.
    const { rows } = await lab.database.pool.query(
      `SELECT count(*)::int AS count FROM audit_events WHERE action = 'log.undelivered'`,
    );
    expect(rows).toEqual([{ count: 3 }]);
  });

  test('are settled by who has the sink, once', async () => {
    await putBy(new Box());
    await letters.replay('siem', tell);
    const settle = { sink: 'siem', index: 3 };
    expect(await letters.settle({ ...settle, holder: 'two' })).toBe(false);
    expect(await letters.settle({ ...settle, holder: 'one' })).toBe(true);
    expect(await letters.settle({ ...settle, holder: 'one' })).toBe(false);
    expect(await letters.settle({ ...settle, index: 4, holder: 'one' })).toBe(false);
    expect(await list()).toEqual([17, 29]);
  });
});

describe('a sink that hangs for ever', () => {
  test('is given up, holds up no other, and not the stop of the broker', async () => {
    await placed(5);
    const [stuck, other] = [new Stuck(), new Box('other')];
    const delivering = replica('one', [stuck, other], { deliveryMs: 30 });
    delivering.start();
    await soon(() => expect(stuck.asked).toBeGreaterThan(2));
    await soon(() => expect(other.taken).toEqual(upTo(5)));
    await soon(async () =>
      expect(await standing('stuck')).toMatchObject({
        lagEvents: 5,
        lastError: { words: 'the sink did not answer in time' },
      }),
    );
    await delivering.stop();

    // Nor where it has all of its time.
    const patient = replica('two', [new Stuck('patient')]);
    patient.start();
    await soon(async () => expect(await standing('patient')).toMatchObject({ next: 0 }));
    await patient.stop();
    // Nor where it is asked when all stops already.
    await expect(patient.once(new Stuck('patient'))).rejects.toBeInstanceOf(SinkAway);
  });
});

test('what others said of their errors is told to nobody but the journal', async () => {
  await placed(1);
  const box = new Box();
  box.afterTaking = () => {
    throw new TypeError('https://user:password@siem.example is odd');
  };
  const delivering = replica('one', [box]);
  delivering.start();
  await soon(async () =>
    expect((await standing())?.lastError?.words).toBe('the delivery failed: TypeError'),
  );
  await delivering.stop();
});

test('a sink that comes after bodies were dropped gets every place, and is told which are dropped', async () => {
  const [old] = await lab.write(1, { at: new Date('2020-01-01T00:00:00.000Z') });
  await placed(2);
  await lab.asInsider(`UPDATE audit_leaves SET placed_at = '2020-01-01' WHERE index = 0`);
  const none = { keepDays: 400, sinks: [], anchors: [], isHeld: () => false };
  const { journal, database } = lab;
  const retention = new PrismaLogRetention(database);
  const retain = new RetainLog({ retention, ...none, clock, journal, replica: 'one' });
  expect(await retain.once(400)).toBe(1);
  await placed(0);
  const box = new Box();
  expect(await replica('one', [box]).once(box)).toBe('all');
  expect(box.taken).toEqual(upTo(4));
  expect(JSON.parse(box.texts[0] ?? '')).toEqual({
    id: old?.id,
    time: '2020-01-01T00:00:00.000Z',
    action: 'session.finish',
    dropped: true,
    leafHash: old?.leafHash.toString('hex'),
  });
  expect(box.texts.slice(1).join()).not.toContain('"dropped":true');
});

test('an event of 65,535 bytes is delivered whole', async () => {
  const room = 65_535 - ((await lab.write(1, { data: { text: '' } }))[0]?.body.length ?? 0);
  const [entry] = await lab.write(1, { data: { text: 'x'.repeat(room) } });
  await placed(0);
  const box = new Box();
  const delivering = replica('one', [box]);
  await delivering.once(box);
  expect(entry?.body).toHaveLength(65_535);
  expect(box.texts).toContain(entry?.body.toString());
});
