import { beforeEach, describe, expect, test } from 'vitest';
import { ABSENT, AdvancingLab, running, terminated } from '../../test/support/advancing.lab.js';
import { problem } from '../domain/problem.js';
import { extensionOf } from '../domain/session/extension.js';
import type { Observation } from '../domain/session/observation.js';
import type { Session } from '../domain/session/session.js';

let lab: AdvancingLab;
beforeEach(() => {
  lab = new AdvancingLab();
  lab.bounds = { ...lab.bounds, overrunSeconds: 20 };
});

const OLD = 'hallpass-x';
const TERMS = { extension: { times: 2, longestSeconds: 900 } };
let seen: Record<string, Observation>;

type Added = Awaited<ReturnType<AdvancingLab['clusters']['onAdd']>>;

/** A session that runs from second 1 to 601, and was extended at second 100 by 900 seconds. */
async function extended(onOverrun: 'alert' | 'evict' = 'alert'): Promise<Session> {
  await lab.given(
    [
      ['start', 0, lab.started],
      ['run', 1, { startedAt: lab.at(1), deadlineAt: lab.at(601) }],
    ],
    { onOverrun, ...TERMS },
  );
  const session = await lab.stored();
  const changes = extensionOf(session, 900, { at: lab.at(100), startDeadlineSeconds: 60 });
  await lab.then('extend', 100, changes);
  lab.clock.set(lab.at(100));
  seen = { [OLD]: running(lab.at(1)) };
  lab.clusters.onObserve = ({ containerName }) => seen[containerName] ?? ABSENT;
  lab.clusters.onAdd = () => {
    seen[newName(session)] = running(lab.at(102));
    lab.clock.set(lab.at(102));
    return 'added';
  };
  return session;
}

const newName = ({ id }: Session) => `hallpass-${id}-2`;

describe('a session that is extended', () => {
  test('moves to the new container once that runs, and leaves the one before to those in it', async () => {
    const session = await extended();
    await lab.advance();
    expect(await lab.stored()).toMatchObject({
      state: 'active',
      container: { name: newName(session), durationSeconds: 900, timer: 'strong' },
      startedAt: lab.at(1),
      deadlineAt: lab.at(102 + 900),
      extension: null,
      extensions: 1,
      formerContainers: [{ container: { name: OLD }, endFrom: lab.at(132) }],
    });
    expect(lab.clusters.lines).toEqual([]);

    lab.clock.set(lab.at(132));
    lab.clusters.onObserve = ({ containerName }) =>
      containerName === OLD && lab.clusters.lines.length > 0
        ? terminated(lab.at(1), 131)
        : (seen[containerName] ?? ABSENT);
    await lab.advance();
    expect(lab.clusters.lines).toEqual([OLD]);
    expect(await lab.stored()).toMatchObject({ state: 'active', formerContainers: [] });
    expect(await lab.events()).toBe('grant start run extend note move note retire');
  });

  test('ends at the deadline that it had where the new container does not run by then', async () => {
    const session = await extended();
    lab.clock.set(lab.at(601));
    seen = { [OLD]: terminated(lab.at(1), 600), [newName(session)]: running(lab.at(600)) };
    lab.clusters.onObserve = ({ containerName }) =>
      lab.clusters.lines.includes(containerName)
        ? terminated(lab.at(600), 2)
        : (seen[containerName] ?? ABSENT);
    await lab.advance();
    expect(lab.clusters.calls).toEqual(['line']);
    expect(lab.clusters.lines).toEqual([newName(session)]);
    expect(await lab.events()).toBe('grant start run extend expire finish');
    expect(await lab.stored()).toMatchObject({
      state: 'ended',
      endReason: 'deadline',
      extension: null,
    });
  });

  test('is not over before all of its containers are, though its own has ended', async () => {
    const session = await extended();
    seen = { [OLD]: terminated(lab.at(1), 50), [newName(session)]: ABSENT };
    await lab.advance(AbortSignal.timeout(500));
    expect(await lab.events()).toBe('grant start run extend halt');
    expect(await lab.stored()).toMatchObject({ state: 'ending', endReason: 'left' });
    // What was not sent, or not taken, can hold no more.
    lab.clock.set(lab.at(160 + lab.bounds.startGraceSeconds));
    await lab.advance();
    expect((await lab.steps()).at(-1)).toMatchObject({
      event: 'finish',
      data: { others: [{ container: newName(session) }] },
    });
  });

  test('that ends before terminals had to move ends the container before at once as well', async () => {
    await extended();
    await lab.advance();
    await lab.then('leave', 104, { endingAt: lab.at(104), endReason: 'left' });
    lab.clock.set(lab.at(105));
    lab.clusters.onObserve = ({ containerName }) =>
      lab.clusters.lines.includes(containerName)
        ? terminated(lab.at(1), 104)
        : (seen[containerName] ?? ABSENT);
    await lab.advance();
    expect(lab.clusters.lines).toContain(OLD);
    expect(await lab.stored()).toMatchObject({ state: 'ended', endReason: 'left' });
  });

  test('moves where its own container comes to its end just when the new one runs', async () => {
    const session = await extended();
    seen = { [OLD]: terminated(lab.at(1), 599), [newName(session)]: running(lab.at(500)) };
    lab.clock.set(lab.at(600));
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ state: 'active', deadlineAt: lab.at(500 + 900) });
    expect(lab.clusters.calls).not.toContain('add');
  });

  test('is over with its Pod, at whatever step', async () => {
    await extended();
    lab.clusters.onObserve = () => ({ kind: 'pod-gone', why: 'It was deleted.' });
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ state: 'ended', endReason: 'pod-gone' });
  });
});

describe('an extension that comes to nothing', () => {
  test.each([
    [
      'is refused',
      (): Added => ({ refused: problem('admission-refused', 'No more of these.'), definite: true }),
      ABSENT,
      'No more of these.',
    ],
    [
      'cannot be pulled',
      (): Added => 'added',
      { kind: 'waiting', reason: 'ErrImageNeverPull', message: 'x', podEnding: false },
      'Kubernetes says ErrImageNeverPull',
    ],
    ['ended at once', (): Added => 'added', terminated(new Date(0), 3), 'ended at once'],
  ] as const)(
    'because its container %s leaves the session as it was',
    async (_, added, is, why) => {
      const session = await extended();
      seen[newName(session)] = is;
      lab.clusters.onAdd = added;
      await lab.advance(AbortSignal.timeout(1_000));
      const unextended = (await lab.steps()).find(({ event }) => event === 'unextend');
      expect(unextended?.data['detail']).toContain(why);
      expect(await lab.stored()).toMatchObject({
        state: 'active',
        container: { name: OLD },
        deadlineAt: lab.at(601),
        extension: null,
        extensions: 1,
      });
    },
  );

  test('whose container may start yet is watched until it can hold no more', async () => {
    const session = await extended();
    lab.clock.set(lab.at(160));
    await lab.advance(AbortSignal.timeout(1_000));
    expect(await lab.events()).toBe('grant start run extend note unextend');
    expect(await lab.stored()).toMatchObject({
      formerContainers: [{ container: { name: newName(session) } }],
    });
    lab.clock.set(lab.at(160 + lab.bounds.startGraceSeconds));
    await lab.advance();
    expect(await lab.events()).toBe('grant start run extend note unextend retire');
    expect(lab.clusters.calls).not.toContain('add');
  });
});

describe('a container that the session has left and that does not end', () => {
  test('is ended harder, is told of once, and costs the session nothing', async () => {
    await extended('evict');
    await lab.advance();
    lab.clock.set(lab.at(132));
    lab.clusters.onObserve = () => {
      lab.clock.advance(1);
      return running(lab.at(1));
    };
    for (let looks = 0; looks < 3; looks++) await lab.advance();
    const steps = await lab.steps();
    const told = steps.filter(({ event }) => event === 'overrun' || event === 'escalate');
    expect(told.every(({ data, to }) => data['container'] === OLD && to === 'active')).toBe(true);
    expect(told.filter(({ event }) => event === 'overrun')).toHaveLength(1);
    expect(lab.clusters.calls).toEqual(expect.arrayContaining(['line', 'term', 'kill']));
    expect(lab.clusters.calls).not.toContain('evict');
    expect(await lab.stored()).toMatchObject({ state: 'active' });
  });

  test('is ended though the next extension takes long to start', async () => {
    const session = await extended();
    await lab.advance();
    const again = { at: lab.at(110), startDeadlineSeconds: 60 };
    await lab.then('extend', 110, extensionOf(await lab.stored(), 900, again));
    lab.clusters.onAdd = () => 'added';
    lab.clusters.onObserve = ({ containerName }) => {
      if (lab.clusters.lines.includes(containerName)) return terminated(lab.at(1), 131);
      return seen[containerName] ?? ABSENT;
    };
    lab.bounds = { ...lab.bounds, checkSeconds: 1 };
    lab.clock.set(lab.at(132));
    await lab.advance(AbortSignal.timeout(3_000));
    expect(lab.clusters.lines).toEqual([OLD]);
    expect(await lab.stored()).toMatchObject({
      container: { name: newName(session) },
      extension: { container: { name: `hallpass-${session.id}-3` } },
      formerContainers: [],
    });
  });

  test('keeps its session from being ended', async () => {
    await extended();
    await lab.advance();
    lab.clock.set(lab.at(1_002));
    lab.clusters.onObserve = ({ containerName }) =>
      containerName === OLD ? running(lab.at(1)) : terminated(lab.at(102), 900);
    await lab.advance(AbortSignal.timeout(300));
    expect(await lab.stored()).toMatchObject({ state: 'ending' });
    lab.clusters.onObserve = () => terminated(lab.at(102), 900);
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ state: 'ended', endReason: 'deadline' });
  });
});
