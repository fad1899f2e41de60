import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PrismaSinkStore } from '../../src/adapters/prisma/prisma-sink.store.js';
import { DeliverLog } from '../../src/app/deliver-log.js';
import type { Delivered } from '../../src/app/ports/sink.js';
import { Sink, SinkAway } from '../../src/app/ports/sink.js';
import type { LoggedEvent } from '../../src/domain/audit/logged.event.js';
import { LogLab } from '../support/log.lab.js';

let lab: LogLab;
let cursors: PrismaSinkStore;
beforeEach(async () => {
  lab = await LogLab.start();
  cursors = new PrismaSinkStore(lab.database);
});
afterEach(() => lab[Symbol.asyncDispose]());

/** A receiver that keeps what it takes, and does as it is told. */
class Box extends Sink {
  readonly batch = 10;
  readonly everyMs = 5;
  readonly taken: number[] = [];
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
    this.afterTaking();
    return 'taken';
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

function replica(name: string, sinks: readonly Sink[]): DeliverLog {
  const { store, journal } = lab;
  return new DeliverLog({ sinks, cursors, log: store, journal, replica: name, firstRetryMs: 5 });
}

async function placed(count: number): Promise<void> {
  await lab.write(count);
  const sequencer = lab.replica();
  while ((await sequencer.once()) === 'more');
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const standing = async (name = 'siem') => (await cursors.standings([name]))[0];

describe('delivery of the log', () => {
  test('brings every event in order, and goes on where it was after a restart', async () => {
    await placed(25);
    const box = new Box();
    const first = replica('one', [box]);
    first.start();
    await vi.waitFor(() => expect(box.taken).toEqual(upTo(25)));
    await first.stop();
    await placed(8);
    expect(await standing()).toMatchObject({ lagEvents: 8, deadLetters: 0 });
    const second = replica('two', [box]);
    second.start();
    await vi.waitFor(() => expect(box.taken).toEqual(upTo(33)));
    await vi.waitFor(async () =>
      expect(await standing()).toMatchObject({ lagEvents: 0, lagSeconds: 0 }),
    );
    await second.stop();
  });

  test('is by one replica at a time, and by another when that is gone', async () => {
    await placed(60);
    const box = new Box();
    const replicas = ['one', 'two', 'three'].map((name) => replica(name, [box]));
    for (const it of replicas) it.start();
    await vi.waitFor(() => expect(box.taken).toEqual(upTo(60)));
    await replicas[0]?.stop();
    await replicas[1]?.stop();
    await placed(5);
    await vi.waitFor(() => expect(box.taken).toEqual(upTo(65)));
    await replicas[2]?.stop();
  });

  test('skips nothing where the sink is away, and holds up no other sink', async () => {
    await placed(12);
    const away = new Box('away');
    const other = new Box('other');
    away.isAway = true;
    const delivering = replica('one', [away, other]);
    delivering.start();
    await vi.waitFor(() => expect(other.taken).toEqual(upTo(12)));
    await vi.waitFor(async () => {
      const { lagEvents, failingSince, lagSeconds } = (await standing('away')) ?? {};
      expect({ lagEvents, isFailing: failingSince instanceof Date }).toEqual({
        lagEvents: 12,
        isFailing: true,
      });
      expect(lagSeconds).toBeGreaterThan(0);
    });
    away.isAway = false;
    await vi.waitFor(() => expect(away.taken).toEqual(upTo(12)));
    await vi.waitFor(async () =>
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
    await vi.waitFor(async () =>
      expect(await standing()).toMatchObject({ lagEvents: 0, deadLetters: 3 }),
    );
    await delivering.stop();
    expect(box.taken).toEqual(upTo(30).filter((index) => !box.refuses(index)));
    const { rows } = await lab.database.pool.query(
      'SELECT index::int, reason FROM audit_dead_letters ORDER BY index',
    );
    expect(rows).toEqual([3, 17, 29].map((index) => ({ index, reason: 'too odd' })));
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
    await vi.waitFor(() => expect(box.taken).toEqual([...upTo(10), ...upTo(10)]));
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
    await vi.waitFor(async () => expect(await cursors.claim(name, 'two', 60)).toBe(10));
  });
});
