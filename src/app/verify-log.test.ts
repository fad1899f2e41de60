import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { logFilesOf } from '../../test/support/log.files.js';
import { signerNamed } from '../../test/support/log.lab.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import { signCheckpoint } from '../domain/audit/checkpoint.js';
import { leafHashOf, rootOf } from '../domain/audit/merkle.tree.js';
import { tilePath } from '../domain/audit/tlog.tiles.js';
import { RECORDINGS_README, chunkFile, headerFile } from '../domain/evidence/archive.names.js';
import { newRecordingId } from '../domain/recording/recording.js';
import { verifyLog } from './verify-log.js';

const signer = signerNamed();
const verifiers = [signer.verifier];
const DAY_MS = 86_400_000;
const START = Date.parse('2026-03-01T00:00:00Z');

function body(at: number, over: object = {}): Buffer {
  const time = new Date(START + at * 1000).toISOString();
  return Buffer.from(canonicalJson({ id: `event-${at}`, time, action: 'test.happened', ...over }));
}

/** What tells that bodies were dropped, forty days after the beginning. */
function dropped(at: number, places: readonly (readonly [number, number])[], count: number) {
  const cutoff = new Date(START + 9 * DAY_MS).toISOString();
  const time = new Date(START + 40 * DAY_MS + at * 1000).toISOString();
  return body(at, { time, action: 'audit.dropped', data: { places, count, cutoff } });
}

const bodies = (count: number): Buffer[] => Array.from({ length: count }, (_, at) => body(at));

/** An older checkpoint, as somebody put it by when the log had so many events. */
function olderNote(of: readonly Buffer[], size: number): string {
  const root = rootOf(of.slice(0, size).map(leafHashOf));
  return signCheckpoint({ origin: signer.verifier.name, size, root }, [signer]);
}

async function findings(args: Omit<Parameters<typeof verifyLog>[0], 'verifiers'>) {
  const { findings: found } = await verifyLog({ verifiers, ...args });
  return found.map(({ index, what }) => `${index ?? '-'}: ${what}`);
}

describe('a log that was taken out', () => {
  test.each([0, 1, 255, 256, 257, 700])(
    'of %i events is found whole, alone and from any older one',
    async (count) => {
      const all = bodies(count);
      const files = logFilesOf({ bodies: all, signer });
      for (const size of [0, 1, 255, 256, 300, count].filter((it) => it <= count)) {
        const report = await verifyLog({ files, verifiers, olderNote: olderNote(all, size) });
        expect(report).toMatchObject({
          events: count,
          dropped: 0,
          findings: [],
          head: { size: count },
        });
      }
    },
  );

  test('may lack bodies whose time is over: their hashes are in the tree', async () => {
    const told = dropped(300, [[0, 99]], 100);
    const all = [...bodies(300), told];
    const leaves = all.map(leafHashOf);
    const left = all.map((it, at) => (at < 100 ? Buffer.alloc(0) : it));
    const report = await verifyLog({
      files: logFilesOf({ bodies: left, leaves, signer }),
      verifiers,
    });
    expect(report).toMatchObject({ events: 201, dropped: 100, findings: [] });
  });

  test('lacks no body of which no event says that it was dropped', async () => {
    const told = dropped(
      300,
      [
        [0, 99],
        [101, 103],
      ],
      103,
    );
    const all = [...bodies(300), told];
    const leaves = all.map(leafHashOf);
    const left = all.map((it, at) => (at < 102 ? Buffer.alloc(0) : it));
    const files = logFilesOf({ bodies: left, leaves, signer });
    expect(await findings({ files })).toEqual([
      '100: has no body, and no event says that it was dropped',
    ]);
  });

  test('is believed by its keys alone', async () => {
    const files = logFilesOf({ bodies: bodies(3), signer: signerNamed() });
    expect(await findings({ files })).toEqual([
      '-: the checkpoint is signed by none of the keys that are trusted',
    ]);
    files.files.delete('checkpoint');
    expect(await findings({ files })).toEqual(['-: the checkpoint is missing']);
    const good = logFilesOf({ bodies: bodies(3), signer });
    expect(await findings({ files: good, olderNote: 'nonsense' })).toEqual([
      '-: the older checkpoint is no signed note',
    ]);
  });
});

test('an extension that was refused is no step, and no fault', async () => {
  const step = { from: 'new', to: 'approved', version: 1 };
  const files = logFilesOf({
    bodies: [
      body(0, { action: 'session.grant', session: 'a', data: step }),
      body(1, { action: 'session.extend', session: 'a', outcome: 'denied', data: { version: 1 } }),
    ],
    signer,
  });
  expect(await findings({ files })).toEqual([]);
});

describe('what somebody did to it is named, with the first event that it is about', () => {
  const all = bodies(600);
  const older = olderNote(all, 500);
  const changed = (at: number, by: Buffer) => all.map((it, n) => (n === at ? by : it));
  const forged = body(300, { action: 'test.forged' });

  test('a body that was changed where its hash was not', async () => {
    const files = logFilesOf({ bodies: changed(300, forged), leaves: all.map(leafHashOf), signer });
    expect(await findings({ files })).toEqual([
      '300: is not what the tree has a hash of: it was changed, or put in the place of another',
    ]);
  });

  test('two that changed places', async () => {
    const [one, two] = [all[10], all[20]];
    const swapped = all.map((it, at) => (at === 10 ? two : at === 20 ? one : it) ?? it);
    const files = logFilesOf({ bodies: swapped, leaves: all.map(leafHashOf), signer });
    expect((await findings({ files }))[0]).toContain('10: is not what the tree has a hash of');
  });

  test('a body and the lowest tile that were changed', async () => {
    const files = logFilesOf({ bodies: all, signer });
    const other = logFilesOf({ bodies: changed(300, forged), signer });
    for (const path of [tilePath('entries', 1, 256), tilePath(0, 1, 256)]) {
      files.files.set(path, other.files.get(path) ?? Buffer.alloc(0));
    }
    expect(await findings({ files, olderNote: older })).toEqual([
      '256: one of the events 256 to 511 is not what the tree above them is of',
      '-: the first 500 events are not those of the older checkpoint: one of them was changed, removed or inserted since',
    ]);
  });

  test('the whole tree that was made anew, with the checkpoint of before', async () => {
    const files = logFilesOf({
      bodies: changed(550, body(550, { action: 'test.forged' })),
      signer,
    });
    const checkpoint = logFilesOf({ bodies: all, signer }).files.get('checkpoint');
    files.files.set('checkpoint', checkpoint ?? Buffer.alloc(0));
    expect(await findings({ files, olderNote: older })).toEqual([
      '-: the events are not those of the checkpoint: their tree has another root, and the first 500 are as they were',
    ]);
  });

  test('the whole tree that was made anew and signed with the key', async () => {
    const files = logFilesOf({ bodies: changed(300, forged), signer });
    expect(await findings({ files })).toEqual([]);
    expect(await findings({ files, olderNote: older })).toEqual([
      '-: the first 500 events are not those of the older checkpoint: one of them was changed, removed or inserted since',
    ]);
  });

  test('an end that was cut off', async () => {
    const files = logFilesOf({ bodies: all.slice(0, 400), signer });
    expect(await findings({ files, olderNote: older })).toEqual([
      '-: the older checkpoint is of 500 events, and the log has 400: its end was cut off',
    ]);
  });

  test('an event that was inserted late, or removed', async () => {
    const late = [...all.slice(0, 590), body(100), ...all.slice(590)];
    expect(await findings({ files: logFilesOf({ bodies: late, signer }) })).toEqual([
      '590: is of 2026-03-01T00:01:40.000Z, and one before it of 2026-03-01T00:09:49.000Z: it was inserted late',
    ]);
    const removed = all.filter((_, at) => at !== 40);
    expect(
      await findings({ files: logFilesOf({ bodies: removed, signer }), olderNote: older }),
    ).toEqual([expect.stringContaining('the first 500 events are not those')]);
  });

  test('files that are missing, or cut', async () => {
    const files = logFilesOf({ bodies: all, signer });
    const path = tilePath('entries', 1, 256);
    files.files.set(path, files.files.get(path)?.subarray(0, 1000) ?? Buffer.alloc(0));
    expect(await findings({ files })).toEqual(['256: the events 256 to 511 are not whole']);
    files.files.delete(path);
    expect(await findings({ files })).toEqual(['256: the events 256 to 511 are missing']);
  });

  test.each([
    ['is no JSON', Buffer.from('{"a":')],
    ['is no UTF-8', Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])],
    ['is no JSON', Buffer.from([0xef, 0xbb, 0xbf, ...body(3)])],
    ['is no JSON object', Buffer.from('[]')],
    ['is not in canonical form (RFC 8785)', Buffer.from('{"time":"x","time":"y"}')],
    ['is not in canonical form (RFC 8785)', Buffer.from('{"b":1,"a":1}')],
    ['is not in canonical form (RFC 8785)', Buffer.from('{"a": 1}')],
    ['has no time', Buffer.from('{"time":"yesterday"}')],
  ])('an event that %s', async (what, wrong) => {
    const files = logFilesOf({ bodies: [...all.slice(0, 3), wrong], signer });
    expect(await findings({ files })).toEqual([`3: ${what}`]);
  });

  test('an event with members whose names are numbers is canonical all the same', async () => {
    const good = body(4, { data: { '10': 1, '2': 1, a: 1 } });
    expect(await findings({ files: logFilesOf({ bodies: [good], signer }) })).toEqual([]);
  });
});

describe('what events say can have happened in that order', () => {
  const step = (
    at: number,
    event: string,
    from: string,
    to: string,
    version: number,
    session = 's',
  ) => body(at, { action: `session.${event}`, session, data: { from, to, version } });
  const life = [
    step(0, 'ask', 'new', 'pending', 1),
    step(1, 'approve', 'pending', 'approved', 2),
    step(2, 'start', 'approved', 'starting', 3),
  ];

  test('where each session goes through its machine', async () => {
    const watched = body(3, { action: 'session.watched', session: 's', data: { who: 'kim' } });
    const files = logFilesOf({ bodies: [...life, watched], signer });
    expect(await findings({ files })).toEqual([]);
  });

  test.each([
    [
      'a step that is missing',
      [life[0], life[2]],
      '1: is step 3 of session s from approved, and the one before it was step 1 to pending',
    ],
    [
      'a beginning that is missing',
      [life[1]],
      '0: is step 2 of session s, whose first steps are missing',
    ],
    [
      'a step twice',
      [life[0], life[1], life[1]],
      '2: is step 2 of session s from pending, and the one before it was step 2 to approved',
    ],
    [
      'a step that the machine has not',
      [life[0], step(1, 'run', 'pending', 'active', 2)],
      '1: is no step of a session: pending -run-> active',
    ],
  ])('but for %s', async (_, some, what) => {
    const files = logFilesOf({ bodies: some.filter((it) => it !== undefined), signer });
    expect(await findings({ files })).toEqual([what]);
  });

  describe('and where bodies were dropped', () => {
    /** Steps of sessions, so many days after the beginning; undefined for a body that is gone. At the end it is told. */
    type Told = readonly [
      session: string,
      days: number,
      event: string,
      from: string,
      to: string,
      version: number,
    ];
    const found = async (steps: readonly (Told | undefined)[]) => {
      const gone = steps.flatMap((it, at) => (it === undefined ? [at] : []));
      const all = steps.map((it, at) => {
        if (it === undefined) return body(at);
        const [session, days, event, from, to, version] = it;
        const time = new Date(START + days * DAY_MS + at * 1000).toISOString();
        return body(at, { time, action: `session.${event}`, session, data: { from, to, version } });
      });
      const told = gone.map((it): [number, number] => [it, it]);
      const time = new Date(START + 400 * DAY_MS).toISOString();
      const cutoff = new Date(START + 300 * DAY_MS).toISOString();
      const data = { places: told, count: gone.length, cutoff };
      all.push(body(steps.length, { time, action: 'audit.dropped', data }));
      const left = all.map((it, at) => (gone.includes(at) ? Buffer.alloc(0) : it));
      return findings({ files: logFilesOf({ bodies: left, leaves: all.map(leafHashOf), signer }) });
    };
    const ask: Told = ['s', 0, 'ask', 'new', 'pending', 1];
    const start: Told = ['s', 0, 'start', 'approved', 'starting', 3];

    test.each<[string, (Told | undefined)[]]>([
      ['its beginning', [undefined, undefined, start]],
      ['a step between', [ask, undefined, start]],
      ['nothing of it', [undefined, ask, ['s', 0, 'approve', 'pending', 'approved', 2]]],
      [
        'its beginning, a month before',
        [undefined, ask, undefined, ['t', 30, 'revoke', 'approved', 'ended', 3]],
      ],
      [
        'its beginning, long before it was seen that its container ended',
        [
          undefined,
          undefined,
          undefined,
          undefined,
          ask,
          ['t', 200, 'finish', 'ending', 'ended', 5],
        ],
      ],
    ])('of a session may be missing what lay there: %s', async (_, steps) => {
      expect(await found(steps)).toEqual([]);
    });

    test.each<[string, (Told | undefined)[], string]>([
      [
        'more than was dropped',
        [undefined, start],
        '1: is step 3 of session s, whose first steps are missing',
      ],
      [
        'what was dropped before the session was',
        [undefined, undefined, ask, start],
        '3: is step 3 of session s from approved, and the one before it was step 1 to pending',
      ],
      [
        'a beginning that cannot have lain there: it would have lapsed',
        [undefined, undefined, ask, ['t', 32, 'start', 'approved', 'starting', 3]],
        '3: is step 3 of session t, whose first steps are missing',
      ],
      [
        'what the machine does not lead through',
        [undefined, ['s', 0, 'run', 'starting', 'active', 2]],
        '1: is step 2 of session s, whose first steps are missing',
      ],
      [
        'what would lead out of its end',
        [['s', 0, 'refuse', 'new', 'denied', 1], undefined, start],
        '2: is step 3 of session s from approved, and the one before it was step 1 to denied',
      ],
      [
        'what was between, where it goes on from elsewhere',
        [undefined, ask, ['s', 0, 'start', 'approved', 'starting', 2]],
        '2: is step 2 of session s from approved, and the one before it was step 1 to pending',
      ],
    ])('but not %s', async (_, steps, what) => {
      expect(await found(steps)).toEqual([what]);
    });
  });

  describe('and of a recording that is not there', () => {
    const recording = newRecordingId();
    const sealed = { recording, digest: 'ab'.repeat(32), chunks: 1 };
    const keepUntil = new Date(START + 1000).toISOString();
    const finished = body(0, { action: 'recording.finished', data: sealed });
    const dropped = (at: number, over = {}) =>
      body(at, { action: 'recording.dropped', data: { ...sealed, keepUntil, ...over } });
    const found = (...all: Buffer[]) => {
      const files = logFilesOf({ bodies: all, signer });
      files.files.set(RECORDINGS_README, Buffer.from('They belong here.'));
      return verifyLog({ files, verifiers });
    };

    test('an event says after its end, when its time was over, that it was dropped', async () => {
      expect(await found(finished, dropped(1))).toMatchObject({
        recordingsDropped: 1,
        findings: [],
      });
    });

    test.each([
      ['says nothing', [finished]],
      ['said so before its end', [dropped(0), finished]],
      ['says so of another digest', [finished, dropped(1, { digest: 'cd'.repeat(32) })]],
      ['says so of another', [finished, dropped(1, { recording: newRecordingId() })]],
      [
        'says that it was kept for longer',
        [finished, dropped(1, { keepUntil: '2099-01-01T00:00:00.000Z' })],
      ],
      ['says not how long it was kept', [finished, dropped(1, { keepUntil: null })]],
    ])('it is a finding where an event %s', async (_, all) => {
      expect((await found(...all)).findings).toMatchObject([
        { what: expect.stringContaining(`the recording ${recording} is missing`) as string },
      ]);
    });
  });

  test('and the recordings that are beside them are those that were stored', async () => {
    const header = '{"version":3}';
    const chunks = [Buffer.from('one'), Buffer.from('two')];
    const sha = (...parts: (Buffer | string)[]) =>
      parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
    const digest = chunks.reduce((before, it) => sha(before, it), sha(`${header}\n`));
    const id = newRecordingId();
    const data = { recording: id, digest: digest.toString('hex'), chunks: 2 };
    const files = logFilesOf({ bodies: [body(0, { action: 'recording.finished', data })], signer });
    expect(await verifyLog({ files, verifiers })).toMatchObject({
      recordings: 0,
      recordingsUnseen: 1,
      findings: [],
    });
    files.files.set(RECORDINGS_README, Buffer.from('They belong here.'));
    expect(await findings({ files })).toEqual([
      `-: the recording ${id} is missing, and no event says that it was dropped: take the log out with --recordings again`,
    ]);
    files.files.set(headerFile(id), Buffer.from(`${header}\n`));
    chunks.forEach((chunk, at) => files.files.set(chunkFile(id, at + 1), chunk));
    expect(await verifyLog({ files, verifiers })).toMatchObject({ recordings: 1, findings: [] });
    files.files.set(chunkFile(id, 2), Buffer.from('three'));
    expect(await findings({ files })).toEqual([
      `-: the recording ${id} is not what its event says was stored`,
    ]);
  });
});
