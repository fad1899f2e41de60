import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compress, decompress } from '../../src/adapters/gzip/gzip.js';
import type { Screen } from '../../src/app/ports/screen.reader.js';
import { ScreenReader } from '../../src/app/ports/screen.reader.js';
import { ReadScreens } from '../../src/app/read-screens.js';
import { RECORDING_LIMITS } from '../../src/app/record-streams.js';
import { RecordingLab } from '../support/recording.lab.js';

let lab: RecordingLab;
beforeEach(async () => {
  lab = await RecordingLab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** A terminal that shows one line, when it is let. */
class SlowScreens extends ScreenReader {
  readonly let = Promise.withResolvers<undefined>();
  opened = 0;

  async open(): Promise<Screen> {
    this.opened++;
    await this.let.promise;
    const end = () => Promise.resolve([{ atMs: 0, text: 'shown' }]);
    return { feed: () => Promise.resolve([]), end };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const NO_LINES = Buffer.from('\n');

/** What reads screens on one replica. */
function replica(store = lab.store) {
  const screens = new SlowScreens();
  const { journal } = lab;
  return { screens, reading: new ReadScreens({ store, screens, decompress, journal }) };
}

/** One that has ended, with a chunk for each of what it showed. */
async function ended(...shown: readonly string[]) {
  const recorder = lab.recorder({ limits: { ...RECORDING_LIMITS, chunkBytes: 1 } });
  const recording = await lab.open(recorder, { session: await lab.session() });
  for (const text of shown) void recording.output('stdout', Buffer.from(text));
  await recording.finish({ exitCode: 0, why: 'exited' });
  return recording.id;
}

/** As if the replica that has taken it had died long ago. */
const age = () =>
  lab.asAdmin(
    'UPDATE recordings SET screen_taken_until = now() WHERE screen_at IS NULL AND screen_taken_until IS NOT NULL',
  );

describe('the screen of a recording', () => {
  test('is read by one replica, however many look for some to read', async () => {
    const id = await ended('shown');
    const [one, two] = [replica(), replica()];
    const first = one.reading.next();
    await expect.poll(() => one.screens.opened).toBe(1);
    expect(await two.reading.next()).toBe(false);
    one.screens.let.resolve(undefined);
    expect(await first).toBe(true);
    expect(two.screens.opened).toBe(0);
    expect(await lab.store.screen(id, 10)).toEqual([{ atMs: 0, text: 'shown' }]);
  });

  test('is taken once, and another one by whoever comes at the same time', async () => {
    const ids = [await ended('shown'), await ended('shown'), await ended('shown')];
    const taken = await Promise.all(Array.from({ length: 6 }, () => lab.store.takeUnread(60)));
    const given = taken.flatMap((it) => it?.id ?? []);
    expect(given.toSorted()).toEqual(ids.toSorted());
  });

  test('of a replica that died over it is read by another, and what the first has kept stands', async () => {
    const id = await ended('shown');
    const [dead, other] = [replica(), replica()];
    const never = dead.reading.next();
    await expect.poll(() => dead.screens.opened).toBe(1);
    await age();
    other.screens.let.resolve(undefined);
    expect(await other.reading.next()).toBe(true);
    // It was only slow.
    dead.screens.let.resolve(undefined);
    expect(await never).toBe(true);
    expect(await lab.store.screen(id, 10)).toHaveLength(1);
  });

  test('that a replica had to leave is given to the next one at once', async () => {
    await ended('shown');
    const [leaving, other] = [replica(), replica()];
    leaving.reading.start();
    await expect.poll(() => leaving.screens.opened).toBe(1);
    const left = leaving.reading.stop();
    leaving.screens.let.resolve(undefined);
    await left;
    other.screens.let.resolve(undefined);
    expect(await other.reading.next()).toBe(true);
  });

  test('that cannot be kept holds up no other, and is tried again behind those that waited', async () => {
    const [bad, good] = [await ended('shown'), await ended('shown')];
    await lab.asOwner(`
      CREATE FUNCTION no_lines_of() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.recording_id = '${bad}' THEN RAISE 'canceling statement'; END IF; RETURN NEW;
      END $$;
      CREATE TRIGGER no_lines_of BEFORE INSERT ON recording_lines
        FOR EACH ROW EXECUTE FUNCTION no_lines_of()`);
    const { reading, screens } = replica();
    screens.let.resolve(undefined);
    await expect(reading.next()).rejects.toThrow('canceling statement');
    expect(await reading.next()).toBe(true);
    expect(await lab.store.screen(good, 10)).toHaveLength(1);
    expect(await reading.next()).toBe(false);
    // Its time comes again, after one that has ended meanwhile.
    const later = await ended('shown');
    await age();
    expect((await lab.store.takeUnread(60))?.id).toBe(later);
    expect((await lab.store.takeUnread(60))?.id).toBe(bad);
  });

  test('that takes too long in all is kept as far as it was read until then', async () => {
    const id = await ended(...'abcdef');
    const slow: Screen = {
      feed: async (events) => {
        for (const until = performance.now() + 2; performance.now() < until;);
        return Promise.resolve(events.map(({ atMs, data: text }) => ({ atMs, text })));
      },
      end: () => Promise.resolve([]),
    };
    const screens = { open: () => Promise.resolve(slow), close: () => Promise.resolve() };
    const { store, journal } = lab;
    const reading = new ReadScreens({ store, screens, decompress, journal, playMsMax: 5 });
    expect(await reading.next()).toBe(true);
    const texts = (await store.screen(id, 10)).map(({ text }) => text);
    expect('abcdef').toContain(texts.join(''));
    expect(texts.length).toBeOneOf([1, 2, 3]);
    expect(await reading.next()).toBe(false);
  });

  test('whose chunks cannot be had for the moment is read later, and not kept empty', async () => {
    let isAway = true;
    const bodies = {
      put: () => Promise.resolve(),
      get: () => (isAway ? Promise.reject(new Error('the bucket is away')) : compress(NO_LINES)),
      drop: () => Promise.resolve(),
    };
    const { recording, store } = await lab.recording(bodies);
    void recording.output('stdout', Buffer.from('shown'));
    await recording.finish({ exitCode: 0, why: 'exited' });
    const { reading, screens } = replica(store);
    screens.let.resolve(undefined);
    await expect(reading.next()).rejects.toThrow('the bucket is away');
    expect(await store.screen(recording.id, 10)).toEqual([]);
    isAway = false;
    await age();
    expect(await reading.next()).toBe(true);
    expect(await store.screen(recording.id, 10)).toHaveLength(1);
  });

  test('whose chunk is broken is kept as far as it could be read', async () => {
    const bodies = {
      put: () => Promise.resolve(),
      get: () => Promise.resolve(Buffer.from('no gzip')),
      drop: () => Promise.resolve(),
    };
    const { recording, store } = await lab.recording(bodies);
    await recording.finish({ exitCode: 0, why: 'exited' });
    const { reading, screens } = replica(store);
    screens.let.resolve(undefined);
    expect(await reading.next()).toBe(true);
    expect(await reading.next()).toBe(false);
  });

  test('of many lines is kept in statements of few, all of them or none', async () => {
    const [id, other] = [await ended('shown'), await ended('shown')];
    const lines = Array.from({ length: 9_000 }, (_, n) => ({
      atMs: n,
      text: n < 1_000 ? `${n} ${'word '.repeat(700)}` : `line ${n}`,
    }));
    await lab.asOwner(`
      CREATE FUNCTION few_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) > 2000 OR sum(length(text)) > 300000 FROM fresh) THEN RAISE 'too much'; END IF;
        IF (SELECT bool_or(text = 'the last straw') FROM fresh) THEN RAISE 'broke off'; END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER few_at_once AFTER INSERT ON recording_lines REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION few_at_once()`);
    await lab.store.keepScreen(id, lines);
    expect(await lab.store.screen(id, 10_000)).toEqual(lines);
    const broken = [...lines, { atMs: 9_000, text: 'the last straw' }];
    await expect(lab.store.keepScreen(other, broken)).rejects.toThrow('broke off');
    expect(await lab.store.screen(other, 10_000)).toEqual([]);
    expect((await lab.store.takeUnread(60))?.id).toBe(other);
  });

  test('is kept once, by whoever keeps it first', async () => {
    const id = await ended('shown');
    const lines = Array.from({ length: 5_000 }, (_, n) => ({ atMs: 0, text: `line ${n}` }));
    await Promise.all([lab.store.keepScreen(id, lines), lab.store.keepScreen(id, lines)]);
    await lab.store.keepScreen(id, [{ atMs: 0, text: 'late' }]);
    expect(await lab.store.screen(id, 10_000)).toEqual(lines);
  });
});
