import '../support/needs.containers.js';
import { createHash, randomBytes } from 'node:crypto';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { thisMachine } from '../../sandbox/runtime/shells.js';
import type { Broker } from '../../src/broker.js';
import { isProblem } from '../../src/domain/problem.js';
import { tookMs } from '../support/own.time.js';
import { EnteringLab, command, endSession } from './entering.lab.js';
import type { Inside } from './entering.lab.js';

let lab: EnteringLab;
let broker: Broker;
beforeAll(async () => {
  lab = await EnteringLab.start();
  broker = await lab.broker();
});
afterEach(() => {
  lab.recorder.refusal = undefined;
  lab.presence.broken = undefined;
  lab.cluster.faults.clear();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('a terminal', () => {
  it('is the shell of the profile, on the record, and told what it is', async () => {
    const { robin, id, pod } = await lab.active(broker);
    const inside = await lab.enter(broker, id);
    await inside.type('echo $TERM $((6 * 7)); stty size');
    await inside.sees('xterm-256color 42');
    await inside.sees('40 100');
    const begin = await inside.hears('begin');
    for (const part of ['robin@example.com', pod, '"plain"', 'is recorded', 'UTC, in 5 minutes']) {
      expect(begin.text).toContain(part);
    }
    await inside.type('exit 3');
    await inside.read;
    expect(await inside.stream.ended).toEqual({ kind: 'exited', code: 3 });
    const { latest } = lab.recorder;
    expect(latest.shown).toBe(inside.text);
    expect(latest.typed).toEqual([]);
    await expect.poll(() => latest.end).toEqual({ exitCode: 3, why: 'exited' });
    expect(latest.about).toMatchObject({ session: { id }, kind: 'terminal', mode: 'strict' });
    await endSession(robin, id);
  });

  it('of a profile that wants it has what is typed on the record too', async () => {
    const { robin, id } = await lab.active(broker, 'typed');
    const inside = await lab.enter(broker, id);
    await inside.type('echo $((6 * 7))');
    await inside.sees('42');
    expect(Buffer.concat(lab.recorder.latest.typed).toString()).toBe('echo $((6 * 7))\n');
    await endSession(robin, id);
  });

  it('takes and gives back a paste of megabytes', async () => {
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(broker, id, { ...command('sha256sum; exit 4') });
    const pasted = randomBytes(6 * 1024 * 1024);
    expect(await inside.stream.write(pasted)).toBe(true);
    expect(await inside.stream.closeInput()).toBe(true);
    expect(await inside.stream.ended).toEqual({ kind: 'exited', code: 4 });
    expect(inside.text).toContain(createHash('sha256').update(pasted).digest('hex'));
    await endSession(robin, id);
  });

  it('is the plain shell where the image has no such multiplexer', async () => {
    const { robin, id } = await lab.active(broker, 'screened');
    const inside = await lab.enter(broker, id);
    await inside.answers();
    await endSession(robin, id);
  });

  it.skipIf(thisMachine.find('tmux') === undefined)(
    'is kept by a multiplexer that the image has, and found again on another replica',
    async () => {
      const { robin, id } = await lab.active(broker, 'kept');
      const inside = await lab.enter(broker, id);
      await typedUntilSeen(inside, 'KEPT=$((40 + 2)); clear; echo is-$KEPT', 'is-42');
      inside.stream.leave();
      expect(await inside.stream.ended).toEqual({ kind: 'left' });
      const other = await lab.broker();
      const again = await lab.enter(other, id);
      await typedUntilSeen(again, 'echo still-$KEPT', 'still-42');
      await endSession(robin, id);
      await other.stop();
    },
  );
});

/** What is typed before its shell reads is lost by a multiplexer: it is typed again until it was heard. */
async function typedUntilSeen(inside: Inside, line: string, answer: string): Promise<void> {
  const asked = async () => {
    await inside.type(line);
    return inside.text;
  };
  await expect.poll(asked, { interval: 500, timeout: 20_000 }).toContain(answer);
}

describe('a session that does not run yet', () => {
  it('is waited for until its container is made', async () => {
    lab.cluster.faults.add({
      match: { container: /^hallpass-/ },
      effect: { kind: 'slow-start', delayMs: 1_000 },
    });
    const { robin, id } = await lab.ask(broker);
    const inside = await lab.enter(broker, id, command('echo made'));
    await inside.sees('made');
    await endSession(robin, id);
  });

  it('and cannot, says why', async () => {
    lab.cluster.faults.add({ match: { container: /^hallpass-/ }, effect: { kind: 'never-start' } });
    const { robin, id } = await lab.ask(broker);
    const entering = lab.tryToEnter(broker, id);
    await robin.until(id, ['starting']);
    await robin.act(id, 'end');
    expect(await entering).toMatchObject({
      problem: 'not-running',
      detail: expect.stringContaining('Ended by robin@example.com'),
    });
  });

  it('because somebody must consent, names whom it waits for', async () => {
    const { robin, id } = await lab.ask(broker, 'asked');
    expect(await lab.tryToEnter(broker, id)).toMatchObject({
      problem: 'not-running',
      detail: `The session ${id} waits for the consent of somebody of the group payments-leads.`,
    });
    await robin.act(id, 'end');
    expect(await lab.tryToEnter(broker, id)).toMatchObject({ problem: 'not-running' });
  });

  it('is not waited for longer than the caller does', async () => {
    lab.cluster.faults.add({ match: { container: /^hallpass-/ }, effect: { kind: 'never-start' } });
    const { robin, id } = await lab.ask(broker);
    const signal = AbortSignal.timeout(300);
    expect(await lab.tryToEnter(broker, id, { signal })).toMatchObject({
      problem: 'container-not-ready',
    });
    await robin.act(id, 'end');
  });
});

describe('nobody enters', () => {
  it('but the requester; others are told what strangers are told', async () => {
    const { robin, id } = await lab.active(broker);
    for (const as of ['approver', 'admin', 'auditor'] as const) {
      expect(await lab.tryToEnter(broker, id, { as })).toMatchObject({ problem: 'not-found' });
    }
    await endSession(robin, id);
  });

  it('by a way, with a copy or a stream more than the terms allow', async () => {
    const { robin, id } = await lab.active(broker, 'narrow');
    const wrong = { problem: 'way-not-allowed' };
    expect(await lab.tryToEnter(broker, id, { way: 'kubectl' })).toMatchObject(wrong);
    const upload = { kind: 'copy', copy: 'upload', command: ['tar', '-xmf', '-'] } as const;
    expect(await lab.tryToEnter(broker, id, upload)).toMatchObject(wrong);
    await lab.enter(broker, id);
    expect(await lab.tryToEnter(broker, id)).toMatchObject({ problem: 'too-many-streams' });
    await endSession(robin, id);
  });

  it('where it cannot be recorded', async () => {
    const { robin, id } = await lab.active(broker);
    lab.recorder.refusal = { problem: 'recording-unavailable', detail: 'away' };
    expect(await lab.tryToEnter(broker, id)).toBe(lab.recorder.refusal);
    expect(lab.cluster.requests.find({ path: new RegExp(`${id}.*/bin/sh.*TERM`) })).toEqual([]);
    await endSession(robin, id);
  });
});

describe('the end of a session', () => {
  it('closes its streams within a second of being revoked on another replica', async () => {
    const other = await lab.broker();
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(broker, id);
    await inside.answers();
    const ada = await lab.lab.as('admin', other);
    const revoking = async () => {
      await ada.act(id, 'revoke', { comment: 'that is enough' });
      expect(await inside.stream.ended).toMatchObject({
        kind: 'session-over',
        reason: 'revoked',
        detail: expect.stringContaining('that is enough'),
      });
    };
    expect(await tookMs(revoking)).toBeLessThan(1_000);
    await inside.read;
    expect(await inside.stream.write(Buffer.from('x'))).toBe(false);
    await robin.until(id, ['ended']);
    await other.stop();
  });

  it('at its deadline cuts a paste in its middle, though nothing else can be reached', async () => {
    let isAway = false;
    const cut = await lab.broker({
      store: (inner) =>
        new Proxy(inner, {
          get: (target, name) => {
            const member: unknown = Reflect.get(target, name);
            if (typeof member !== 'function') return member;
            return (...args: unknown[]): unknown =>
              isAway && (name === 'find' || name === 'versions')
                ? Promise.reject(new Error('away'))
                : Reflect.apply(member, target, args);
          },
        }),
    });
    const { robin, id } = await lab.active(broker, 'plain', { durationSeconds: 5 });
    const inside = await lab.enter(cut, id, command('cat >/dev/null'));
    isAway = true;
    const deadline = Date.parse((await robin.session(id)).deadline ?? '');
    while (await inside.stream.write(Buffer.alloc(64 * 1024))) {
      // Until it takes no more.
    }
    expect(await inside.stream.ended).toMatchObject({ kind: 'session-over', reason: 'deadline' });
    // Nothing else would end it before the test does.
    expect(Math.abs(Date.now() - deadline)).toBeLessThan(3_000);
    await robin.until(id, ['ended']);
    isAway = false;
    await cut.stop();
  });

  it('follows from a strict recording that fails, and all its streams are closed', async () => {
    const { robin, id } = await lab.active(broker);
    const one = await lab.enter(broker, id);
    const failing = lab.recorder.latest;
    const two = await lab.enter(broker, id);
    await one.answers();
    failing.fail('the disk is full');
    for (const { stream } of [one, two]) {
      expect(await stream.ended).toMatchObject({
        kind: 'session-over',
        reason: 'recording-failed',
        detail: expect.stringContaining('the disk is full'),
      });
    }
    await robin.until(id, ['ended']);
    expect((await robin.session(id)).endReason).toBe('recording-failed');
  });

  it('comes where nothing is typed for as long as the terms allow, with a warning before', async () => {
    const { robin, id } = await lab.active(broker, 'idle');
    const inside = await lab.enter(broker, id);
    for (let n = 0; n < 4; n++) {
      await inside.type(`echo typed-$((${n} + 10))`);
      await inside.sees(`typed-${n + 10}`);
      const at = performance.now();
      await expect.poll(() => performance.now() - at).toBeGreaterThan(1_400);
    }
    expect(inside.end).toBeUndefined();
    await inside.hears('idle');
    await robin.until(id, ['ended']);
    expect((await robin.session(id)).endDetail).toContain('Nothing was typed into it');
    expect(await inside.stream.ended).toMatchObject({ kind: 'session-over' });
  });
});

describe('where somebody must watch', () => {
  it('nothing runs, is shown or is taken but while they do', async () => {
    const { robin, id } = await lab.active(broker, 'watched');
    const inside = await lab.enter(broker, id);
    await inside.hears('paused');
    const typing = inside.type('echo first-$((6 * 7))');
    const leaveOwn = await lab.presence.comes(id, lab.person('requester'));
    const began = performance.now();
    await expect.poll(() => performance.now() - began).toBeGreaterThan(300);
    expect([inside.text, lab.recorder.latest.chunks.length]).toEqual(['', 0]);
    await leaveOwn();

    const leave = await lab.presence.comes(id, lab.person('approver'));
    await typing;
    await inside.sees('first-42');
    expect((await inside.hears('watched')).text).toBe('alex@example.com is watching.');
    await inside.hears('resumed');

    await leave();
    await inside.hears('unwatched');
    const shown = inside.text;
    const more = inside.type('echo second-$((6 * 7))');
    const pausedAt = performance.now();
    await expect.poll(() => performance.now() - pausedAt).toBeGreaterThan(300);
    expect(inside.text).toBe(shown);
    await lab.presence.comes(id, lab.person('approver'));
    await more;
    await inside.sees('second-42');

    lab.presence.broken = new Error('away');
    await expect.poll(() => inside.told.filter((kind) => kind === 'paused').length).toBe(3);
    await endSession(robin, id);
    expect(await inside.stream.ended).toMatchObject({ kind: 'session-over' });
  });
});

describe('a stream that ends while its session goes on', () => {
  it('because the way to the cluster broke, says so, and the session is entered again', async () => {
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(broker, id);
    await inside.type('touch /tmp/mine; echo done-$((6 * 7))');
    await inside.sees('done-42');
    lab.cluster.dropConnections();
    expect(await inside.stream.ended).toMatchObject({ kind: 'lost' });
    const again = await lab.enter(broker, id, command('cat /proc/1/cmdline | tr "\\0" " "'));
    expect(await again.stream.ended).toEqual({ kind: 'exited', code: 0 });
    await endSession(robin, id);
  });

  it('because its replica is stopped, is taken up by another one', async () => {
    const leaving = await lab.broker();
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(leaving, id);
    const recording = lab.recorder.latest;
    await inside.answers();
    await leaving.stop();
    expect(await inside.stream.ended).toEqual({ kind: 'shutdown' });
    expect(recording.end).toEqual({ exitCode: null, why: 'this replica was stopped' });
    const again = await lab.enter(broker, id, command('echo here'));
    await again.sees('here');
    await endSession(robin, id);
  });

  it('because the command cannot be run, says what Kubernetes says', async () => {
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(broker, id, { ...command(''), command: ['/no/such'] });
    expect(await inside.stream.ended).toMatchObject({
      kind: 'refused',
      problem: { problem: 'cluster-refused', detail: expect.stringContaining('/no/such') },
    });
    await endSession(robin, id);
  });

  it('because nobody reads the store quickly enough, is slowed and not lost', async () => {
    const { robin, id } = await lab.active(broker);
    const inside = await lab.enter(broker, id, command('head -c 3000000 /dev/zero; echo end'));
    const { latest } = lab.recorder;
    const slow = Promise.withResolvers<undefined>();
    latest.held = slow.promise;
    await expect.poll(() => latest.chunks.length).toBeGreaterThan(0);
    expect(inside.end).toBeUndefined();
    latest.held = undefined;
    slow.resolve(undefined);
    expect(await inside.stream.ended).toEqual({ kind: 'exited', code: 0 });
    await inside.read;
    expect(inside.bytes).toBe(3_000_004);
    expect(latest.shown.length).toBe(3_000_004);
    await endSession(robin, id);
  });
});

describe('a copy of files', () => {
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  it('up and down is recorded as names, sizes and digests, and not as output', async () => {
    const { robin, id } = await lab.active(broker);
    const data = randomBytes(300_000);
    const archive = pack();
    archive.entry({ name: 'heap.hprof' }, data);
    archive.finalize();
    const up = await lab.enter(broker, id, {
      ...command(''),
      kind: 'copy',
      copy: 'upload',
      command: ['tar', '-xmf', '-', '-C', '/tmp'],
    });
    const uploaded = lab.recorder.latest;
    for await (const part of archive as AsyncIterable<Buffer>) await up.stream.write(part);
    await up.stream.closeInput();
    expect(await up.stream.ended).toEqual({ kind: 'exited', code: 0 });
    const file = { path: 'heap.hprof', bytes: data.length, sha256: sha256(data) };
    await expect.poll(() => uploaded.end).toBeDefined();
    expect(uploaded.files).toEqual([{ direction: 'upload', ...file }]);
    expect(uploaded.marks.join()).toMatch(/Input: 30\d{4} bytes, SHA-256 [0-9a-f]{64}/);

    const down = await lab.enter(broker, id, {
      ...command(''),
      kind: 'copy',
      copy: 'download',
      stdin: false,
      command: ['tar', 'cf', '-', '-C', '/tmp', 'heap.hprof'],
    });
    const downloaded = lab.recorder.latest;
    expect(await down.stream.ended).toEqual({ kind: 'exited', code: 0 });
    await expect.poll(() => downloaded.end).toBeDefined();
    expect(downloaded.files).toEqual([{ direction: 'download', ...file }]);
    expect(downloaded.shown).toBe('');
    expect(downloaded.marks.join()).toMatch(/Archive: 3\d{5} bytes, SHA-256 [0-9a-f]{64}/);
    expect(down.bytes).toBeGreaterThan(data.length);
    await endSession(robin, id);
  });

  it.each([
    ['out', 'download', 'while true; do echo $((6 * 7)) it goes on and on and on; done'],
    ['into it', 'upload', 'cat > /dev/null'],
  ] as const)('%s that is no archive is stopped, and said to be none', async (_, copy, script) => {
    const { robin, id } = await lab.active(broker);
    const odd = await lab.enter(broker, id, { ...command(script), kind: 'copy', copy });
    const { latest } = lab.recorder;
    if (copy === 'upload') {
      expect(await odd.stream.write(Buffer.alloc(2_000, 'no archive'))).toBe(false);
    }
    expect(await odd.stream.ended).toMatchObject({
      kind: 'refused',
      problem: {
        problem: 'recording-unavailable',
        detail: expect.stringContaining('no archive of files as `kubectl cp` makes them'),
      },
    });
    expect(odd.text).toBe(latest.shown);
    expect(odd.bytes).toBeLessThan(512);
    await expect.poll(() => latest.end?.why).toBe('it was refused: recording-unavailable');
    expect(latest.marks.join()).toContain('could not be read along');
    await endSession(robin, id);
  });

  it('into the container has what it writes itself on the record', async () => {
    const { robin, id } = await lab.active(broker);
    const up = await lab.enter(broker, id, {
      ...command('echo out; echo err >&2'),
      kind: 'copy',
      copy: 'upload',
    });
    const { latest } = lab.recorder;
    expect(await up.stream.ended).toEqual({ kind: 'exited', code: 0 });
    expect(latest.shown).toContain('out\n');
    expect(latest.shown).toContain('err\n');
    await endSession(robin, id);
  });
});

it('a session that is over is told as such, with how it ended', async () => {
  const { robin, id } = await lab.active(broker);
  await endSession(robin, id);
  const answer = await lab.tryToEnter(broker, id);
  expect(isProblem(answer) && answer.detail).toContain('Ended by robin@example.com');
});
