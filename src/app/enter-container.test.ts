import { afterEach, describe, expect, it } from 'vitest';
import { EntranceLab, text, told } from '../../test/support/entrance.lab.js';
import { tookMs } from '../../test/support/own.time.js';
import { ALEX, ROBIN } from '../../test/support/sessions.js';
import type { Session } from '../domain/session/session.js';
import type { Changes } from './session-step.js';

let lab: EntranceLab;
afterEach(() => lab.live.stop());

describe('what is shown', () => {
  it('is not asked for while nobody reads it', async () => {
    lab = await new EntranceLab().active();
    const { recording } = await lab.enter();
    const process = await lab.streams.next();
    for (let n = 0; n < 100; n++) process.say({ stream: 'stdout', data: Buffer.alloc(1_000) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(recording.chunks).toEqual([]);
  });
});

describe('the time to the prompt', () => {
  it('lasts from asking for a shell to its first output, with the start where that is still to come', async () => {
    lab = await new EntranceLab().starting();
    lab.streams.refusals = 2;
    const beganMs = performance.now();
    const { stream } = await lab.enter();
    const shown = text(stream);
    const process = await lab.streams.next();
    expect(lab.times.all).toEqual([]);
    process.say({ stream: 'stdout', data: Buffer.from('$ ') });
    process.say({ stream: 'stdout', data: Buffer.from('$ ') });
    process.exit(0);
    await shown;
    const [first, ...more] = lab.times.all;
    expect(more).toEqual([]);
    expect(first).toMatchObject({ what: 'timeToPrompt', labels: { cluster: 'sandbox' } });
    expect(first?.seconds).toBeGreaterThan(0.025);
    expect(first?.seconds).toBeLessThanOrEqual((performance.now() - beganMs) / 1000);
  });

  it('is none of commands, which have no prompt', async () => {
    lab = await new EntranceLab().active();
    const { stream } = await lab.enter({ tty: false, kind: 'exec', command: ['ls'] });
    const shown = text(stream);
    const process = await lab.streams.next();
    process.say({ stream: 'stdout', data: Buffer.from('bin') });
    process.exit(0);
    expect(await shown).toBe('bin');
    expect(lab.times.all).toEqual([]);
  });

  it('is none of a shell that waited for somebody to watch', async () => {
    lab = await new EntranceLab().active(600, { watcher: 'required' });
    const { stream } = await lab.enter();
    const shown = text(stream);
    await lab.presence.comes(lab.session.id, ALEX);
    const process = await lab.streams.next();
    process.say({ stream: 'stdout', data: Buffer.from('$ ') });
    process.exit(0);
    await shown;
    expect(lab.times.all).toEqual([]);
  });
});

describe('a container that turns out late not to be there yet', () => {
  it('is entered again, and nobody is told, where nothing was shown or typed', async () => {
    lab = await new EntranceLab().active();
    const { stream, recording } = await lab.enter({ tty: false, kind: 'exec', command: ['ls'] });
    const shown = text(stream);
    (await lab.streams.next()).wasTooEarly();
    (await lab.streams.next()).wasTooEarly();
    const process = await lab.streams.next();
    process.say({ stream: 'stdout', data: Buffer.from('bin') });
    process.exit(0);
    expect(await shown).toBe('bin');
    expect(await stream.ended).toEqual({ kind: 'exited', code: 0 });
    expect(recording.shown).toBe('bin');
  });

  it('is not, where something was typed, which would be lost', async () => {
    lab = await new EntranceLab().active();
    const { stream } = await lab.enter();
    void text(stream);
    await stream.write(Buffer.from('ls'));
    (await lab.streams.next()).wasTooEarly();
    expect(await stream.ended).toMatchObject({ kind: 'refused' });
    expect(lab.streams.asked).toHaveLength(1);
  });
});

describe('a container that is being made', () => {
  it('is tried again and again, as one that may not be there', async () => {
    lab = await new EntranceLab().starting();
    lab.streams.refusals = 3;
    await lab.enter();
    expect(lab.streams.asked.map(({ early }) => early)).toEqual([true, true, true, true]);
  });

  it('is entered once it is seen to run, though that is not stored', async () => {
    lab = await new EntranceLab().starting();
    const { live, streams, session } = lab;
    streams.refusals = Infinity;
    const entering = lab.enter();
    await expect.poll(() => streams.asked.length).toBeGreaterThan(1);
    live.sawRunning(session.id);
    streams.refusals = 0;
    await entering;
    expect(streams.asked.at(-1)).toMatchObject({ early: false });
    expect(lab.session.state).toBe('starting');
  });

  it('that is seen to run is news to those who wait between two tries', async () => {
    lab = await new EntranceLab().starting();
    const { live, session } = lab;
    const woken = live.of(session).changed(60_000);
    live.sawRunning(session.id);
    await woken;
  });
});

describe('a session that is over', () => {
  it('closes its streams soon, even where all news are lost', async () => {
    lab = await new EntranceLab().active();
    const { stream, recording } = await lab.enter();
    const shown = text(stream);
    const process = await lab.streams.next();
    lab.store.news.lost = true;
    const ending = async () => {
      await lab.revoke();
      expect(await stream.ended).toEqual({
        kind: 'session-over',
        reason: 'revoked',
        detail: 'Revoked by alex.',
      });
    };
    expect(await tookMs(ending)).toBeLessThan(1_500);
    expect(process.isClosed).toBe(true);
    expect(await stream.write(Buffer.from('x'))).toBe(false);
    await shown;
    expect(recording.end?.why).toBe('the session ended: revoked');
    expect(lab.live.counts().terminal).toMatchObject({ open: 0, opened: 1 });
  });

  it('is not entered in the very moment of its end', async () => {
    lab = await new EntranceLab().active();
    lab.streams.held = Promise.withResolvers<undefined>();
    const entering = lab.enter();
    await expect.poll(() => lab.streams.asked.length).toBe(1);
    await lab.revoke();
    await expect.poll(() => lab.recorder.latest.end).toBeDefined();
    lab.streams.held.resolve(undefined);
    await expect(entering).rejects.toThrow('is over. Revoked by alex.');
    expect(lab.streams.made.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it('by its deadline is told of five minutes and one minute before', async () => {
    for (const seconds of [300, 60]) {
      // Time enough to enter before it is told.
      lab = await new EntranceLab().active(seconds + 1);
      const { notices } = await lab.enter();
      await expect.poll(() => told(notices)).toContain('deadline');
      const { text: sentence } = notices.find(({ kind }) => kind === 'deadline') ?? { text: '' };
      expect(sentence).toContain(seconds === 300 ? 'in 5 minutes' : 'in 1 minute');
      await lab.live.stop();
    }
  });

  it('by its deadline takes no more streams, and keeps none that come after others were closed', async () => {
    lab = await new EntranceLab().active(1.5);
    const one = await lab.enter();
    one.stream.leave();
    const { stream } = await lab.enter();
    expect(await stream.ended).toMatchObject({ reason: 'deadline' });
    await expect(lab.enter()).rejects.toThrow('is over. The time was up.');
  });

  it('by its deadline loses its streams by the clock of the replica alone', async () => {
    lab = await new EntranceLab().active(1.5);
    const { stream } = await lab.enter();
    lab.store.broken = new Error('away');
    expect(await stream.ended).toMatchObject({ kind: 'session-over', reason: 'deadline' });
  });
});

describe('a session that is given another container', () => {
  const second = (session: Session): Changes => ({
    ...(session.container
      ? { container: { ...session.container, name: `${session.container.name}-2` } }
      : {}),
  });

  it('takes its terminals along, and leaves commands where they run', async () => {
    lab = await new EntranceLab().active();
    const terminal = await lab.enter();
    const first = await lab.streams.next();
    const command = await lab.enter({ kind: 'exec', command: ['top'], tty: false });
    const other = await lab.streams.next();
    const shown = text(terminal.stream);
    first.say({ stream: 'stdout', data: Buffer.from('old ') });
    await terminal.stream.resize({ columns: 120, rows: 50 });

    await lab.step('note', second(lab.session));
    const moved = await lab.streams.next();
    await expect.poll(() => told(terminal.notices)).toContain('moved');
    expect([first.isClosed, other.isClosed]).toEqual([true, false]);
    expect(moved.place.containerName).toBe(`hallpass-${lab.session.id}-2`);
    expect(moved.sizes).toEqual([{ columns: 120, rows: 50 }]);
    await terminal.stream.write(Buffer.from('ls'));
    expect(moved.taken).toBe('ls');
    moved.say({ stream: 'stdout', data: Buffer.from('new') });
    moved.exit(3);
    expect(await shown).toBe('old new');
    expect(await terminal.stream.ended).toEqual({ kind: 'exited', code: 3 });
    expect(terminal.recording.shown).toBe('old new');
    expect(told(command.notices)).not.toContain('moved');
  });

  it('takes along shells that were named, and runs no command a second time for its having a terminal', async () => {
    lab = await new EntranceLab().active();
    const script = await lab.enter({ command: ['sh', '-c', './migrate.sh'] });
    const running = await lab.streams.next();
    const path = await lab.enter({ command: ['/tmp/migrate'] });
    await lab.streams.next();
    const shell = await lab.enter({ command: ['/bin/bash'] });
    const first = await lab.streams.next();
    await lab.step('note', second(lab.session));
    const moved = await lab.streams.next();
    await expect.poll(() => told(shell.notices)).toContain('moved');
    expect(lab.streams.asked.slice(3).map(({ command }) => command)).toEqual([['/bin/bash']]);
    expect([running.isClosed, first.isClosed, moved.isClosed]).toEqual([false, true, false]);
    expect([told(script.notices), told(path.notices)].flat()).not.toContain('moved');
  });

  it('has a terminal that is entered meanwhile in one of the two, whichever answers first', async () => {
    lab = await new EntranceLab().active();
    const slow = Promise.withResolvers<undefined>();
    lab.streams.heldIn.set(lab.session.container?.name ?? '', slow.promise);
    const entering = lab.enter();
    await expect.poll(() => lab.streams.asked.length).toBe(1);
    await lab.step('note', second(lab.session));
    const moved = await lab.streams.next();
    slow.resolve(undefined);
    const { stream } = await entering;
    const late = await lab.streams.next();
    expect([moved.isClosed, late.isClosed]).toEqual([false, true]);
    const shown = text(stream);
    await stream.write(Buffer.from('ls'));
    expect([moved.taken, late.taken]).toEqual(['ls', '']);
    moved.say({ stream: 'stdout', data: Buffer.from('new') });
    moved.exit(0);
    expect(await shown).toBe('new');
  });

  it('does not lose a terminal whose old container ends while the new one is not there yet', async () => {
    lab = await new EntranceLab().active();
    const { stream } = await lab.enter();
    const first = await lab.streams.next();
    const shown = text(stream);
    lab.streams.refusals = 3;
    await lab.step('note', second(lab.session));
    first.break();
    const moved = await lab.streams.next();
    moved.say({ stream: 'stdout', data: Buffer.from('new') });
    moved.exit(0);
    expect(await shown).toBe('new');
  });
});

describe('who watches', () => {
  it('is told by name, though the requester themself is nobody to be told of', async () => {
    lab = await new EntranceLab().active();
    const { notices, recording } = await lab.enter();
    const leave = await lab.presence.comes(lab.session.id, ALEX);
    await lab.presence.comes(lab.session.id, ROBIN);
    // What passes reaches them by the recording.
    await expect.poll(() => recording.isWatched).toBe(true);
    await leave();
    await expect.poll(() => recording.isWatched).toBe(false);
    await expect.poll(() => told(notices)).toEqual(['begin', 'watched', 'unwatched']);
    expect(notices[1]?.text).toBe('alex@example.com is watching.');
  });

  it('and must, is not taken for there by what was asked before they left and answered after', async () => {
    lab = await new EntranceLab().active(600, { watcher: 'required' });
    const { notices } = await lab.enter();
    const slow = Promise.withResolvers<undefined>();
    lab.presence.held = slow.promise;
    const leave = await lab.presence.comes(lab.session.id, ALEX);
    lab.presence.held = undefined;
    await leave();
    await new Promise((resolve) => setImmediate(resolve));
    slow.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told(notices)).toEqual(['begin', 'paused']);
    expect(lab.streams.asked).toEqual([]);
  });

  it('and must, is noticed even where all news are lost', async () => {
    lab = await new EntranceLab().active(600, { watcher: 'required' });
    lab.presence.lost = true;
    const { stream, notices } = await lab.enter();
    expect(lab.streams.asked).toEqual([]);
    await lab.presence.comes(lab.session.id, ALEX);
    const process = await lab.streams.next();
    process.exit(0);
    await text(stream);
    expect(told(notices)).toEqual(['begin', 'paused', 'watched', 'resumed']);
  });
});

it('input is kept for other replicas, the last of it too', async () => {
  lab = await new EntranceLab().active(600, { idleSeconds: 4 });
  const { stream } = await lab.enter();
  await stream.write(Buffer.from('a'));
  await expect.poll(() => lab.activity.at.size).toBe(1);
  await stream.write(Buffer.from('b'));
  const typedAt = Date.now();
  await expect
    .poll(() => lab.activity.at.get(lab.session.id)?.getTime())
    .toBeGreaterThan(typedAt - 100);
});

it('a replica that is stopped ends its streams, and finishes their recordings', async () => {
  lab = await new EntranceLab().active();
  const { stream, recording } = await lab.enter();
  await lab.live.stop();
  expect(await stream.ended).toEqual({ kind: 'shutdown' });
  expect(recording.end).toEqual({ exitCode: null, why: 'this replica was stopped' });
});
