import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { problem } from '../../src/domain/problem.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { PlayedTerminals } from '../support/played.terminal.js';

const terminals = new PlayedTerminals();
let api: Api;
let home: HallpassHome;
/** A session of Robin's whose container runs. */
let session: string;

beforeAll(async () => {
  api = await startApi({ deps: { enterSession: terminals } });
  terminals.over(api.app.getHttpServer());
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'robin' });
});
afterAll(async () => {
  terminals.cut();
  await api.close();
  await home[Symbol.asyncDispose]();
});
beforeEach(async () => {
  session = await active();
  terminals.streams.length = 0;
  terminals.refusal = undefined;
  terminals.held = undefined;
});

async function active(): Promise<string> {
  const { body } = await api.ask();
  await api.step(body.id, 'start');
  const now = new Date();
  await api.step(body.id, 'run', { startedAt: now, deadlineAt: new Date(now.getTime() + 600_000) });
  return body.id;
}

describe('between pipes, a command in a session', () => {
  test('gets its input and gives its output byte for byte, and ends when its input does', async () => {
    const input = randomBytes(3 * 1024 * 1024);
    const { code, stdout, stderr } = await home.run(['connect', session, '--', 'cat'], input);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.equals(input)).toBe(true);
    expect(terminals.streams[0]?.entry).toMatchObject({ tty: false, command: ['cat'], way: 'cli' });
  });

  test('keeps standard output and error apart, and passes its exit code through', async () => {
    const { code, stdout, stderr } = await home.run(['connect', session, '--', 'both']);
    expect([code, stdout.toString(), stderr]).toEqual([7, 'to output', 'to errors']);
  });

  test('is not run again where the connection breaks: that it may still run is said', async () => {
    const child = home.start(['connect', session, '--', 'sleep', '100']);
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(() => expect(terminals.open).toHaveLength(1), { timeout: 10_000 });
    terminals.cut();
    expect(await ended).toBe(6);
    expect(stderr).toContain('may still run');
    expect(terminals.streams).toHaveLength(1);
  });

  test('is left where the program is asked to end, with 128 and the number of the signal', async () => {
    const child = home.start(['connect', session, '--', 'sleep', '100']);
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(() => expect(terminals.open).toHaveLength(1), { timeout: 10_000 });
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
  });

  test('ends as if by SIGPIPE where whoever reads has read enough', async () => {
    const pipe = `yes | hallpass connect ${session} -- cat | head -c 1; echo " \${PIPESTATUS[1]}"`;
    const { stdout } = await home.runOther('bash', ['-c', pipe]);
    expect(stdout).toBe('y 141\n');
  });

  test('cannot be entered once the session is over: why is said', async () => {
    terminals.refusal = problem('not-running', 'It is over.');
    const { code, stderr } = await home.run(['connect', session, '--', 'cat']);
    expect([code, stderr]).toEqual([2, 'The session does not run: It is over.\n']);
  });
});

describe('in a terminal, a session', () => {
  test('is a shell whose keys go through as they are, Ctrl-C among them, and whose exit code is ours', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    person.type('\u0003ls\r');
    await person.sees(/ran \u0003ls/);
    person.type('exit 3\r');
    expect(await person.ended()).toBe(3);
    expect(terminals.streams[0]?.text).toBe('\u0003ls\rexit 3\r');
  });

  test('has the size of the window, and follows it', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    expect(terminals.streams[0]?.entry).toMatchObject({
      tty: true,
      size: { columns: 100, rows: 30 },
    });
    person.pty.resize(120, 40);
    await expect.poll(() => terminals.streams[0]?.sizes.at(-1)).toEqual({ columns: 120, rows: 40 });
  });

  test('shows notices on lines of their own, and why it ended; the terminal is as it was', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    terminals.open.forEach((it) => it.print('\u001b[?1049h\u001b[?25l'));
    terminals.notice('It ends in 1 minute.');
    await person.sees(/\r\n\[hallpass\] It ends in 1 minute\.\r\n/);
    terminals.end({ kind: 'session-over', reason: 'deadline', detail: 'Its time is over.' });
    await person.sees(/\u001b\[\?1049l\u001b\[\?25h/);
    await person.sees(/The session is over \(deadline\): Its time is over\./);
    expect(await person.ended()).toBe(4);
  });

  test('is entered again by itself after the network broke, with a new ticket', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    terminals.cut();
    await person.sees(/coming back/);
    await person.sees(/Back in the session: in a new shell/);
    await person.sees(/\$ /);
    terminals.open.forEach((it) => it.print('\u001b[?1049h\u001b[?1000h'));
    await person.sees(/1000h/);
    terminals.end({ kind: 'shutdown' });
    // What the program of before had switched on is nothing for the shell that comes.
    await person.sees(/\u001b\[\?1049l\u001b\[\?1000l[^]*goes on elsewhere/);
    await person.sees(/\$ /);
    person.type('exit 0\r');
    expect(await person.ended()).toBe(0);
    expect(terminals.streams).toHaveLength(3);
  });

  test('takes a paste of a megabyte whole and in its order', async () => {
    using person = home.terminal(['connect', session, '--', 'sleep', '100']);
    await vi.waitFor(() => expect(terminals.open).toHaveLength(1), { timeout: 10_000 });
    const typed = () => {
      person.type('.');
      return terminals.streams[0]?.text;
    };
    await expect.poll(typed).toMatch(/^[.]/);
    const paste = Array.from({ length: 60_000 }, (_, line) => `${line} → añb\r`).join('');
    person.type(`begin ${paste}end`);
    await vi.waitFor(() => expect(terminals.streams[0]?.text).toMatch(/end$/), { timeout: 20_000 });
    expect(terminals.streams[0]?.text.replace(/^[.]+/, '') === `begin ${paste}end`).toBe(true);
  });

  test('is left as it is where the program is asked to end, and so is the terminal', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    terminals.open.forEach((it) => it.print('\u001b[?1049h'));
    await person.sees(/1049h/);
    person.pty.kill('SIGTERM');
    expect(await person.ended()).toBe(143);
    expect(person.shown).toContain('\u001b[?1049l');
    const { body } = await api.call('', { who: 'robin', path: `/v1/sessions/${session}` });
    expect(body.state).toBe('active');
  });

  test('is tried again while the broker cannot let anybody in, until the person has enough', async () => {
    terminals.refusal = problem('cluster-unavailable', 'The cluster is away.');
    using person = home.terminal(['connect', session]);
    await person.sees(/The cluster is away\.[^]*coming back/);
    await vi.waitUntil(() => terminals.refused > 3, { timeout: 10_000 });
    expect(person.shown.match(/coming back/g), 'how often it is said').toHaveLength(1);
    person.type('\u0003');
    expect(await person.ended()).toBe(130);
  });

  test('is left by Ctrl-C where a broker that has taken the connection lets nobody in yet', async () => {
    const held = Promise.withResolvers<undefined>();
    terminals.held = held.promise;
    const entered = terminals.entered;
    using person = home.terminal(['connect', session]);
    await vi.waitUntil(() => terminals.entered > entered, { timeout: 10_000 });
    person.type('\u0003');
    await person.sees(/The session goes on\. Come back with: hallpass connect/);
    expect(await person.ended()).toBe(130);
    held.resolve(undefined);
  });

  test('that has ended meanwhile says why in its own words', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    await api.step(session, 'stop', { endReason: 'pod-gone', endDetail: 'The Pod was deleted.' });
    terminals.refusal = problem('not-running', 'It is over.');
    terminals.cut();
    await person.sees(/is over \(pod-gone\): The Pod was deleted\./);
    expect(await person.ended()).toBe(4);
  });

  test('is left by ~. at the beginning of a line, and the person says what becomes of it', async () => {
    using person = home.terminal(['connect', session]);
    await person.sees(/\$ /);
    person.type('~.');
    await person.sees(/What becomes of session/);
    person.type('\r');
    await person.sees(/Back in the terminal/);
    person.type('x');
    await person.sees(/x/);
    person.type('\r~.');
    await person.sees(/What becomes of session/);
    person.type('\u001b[B\u001b[B\r');
    await person.sees(/is being ended/);
    expect(await person.ended()).toBe(0);
    const { body } = await api.call('', { who: 'robin', path: `/v1/sessions/${session}` });
    expect(body.state).toBe('ending');
  });

  test('is left running by ~. where nobody is to be asked', async () => {
    using person = home.terminal(['connect', session, '--no-input']);
    await person.sees(/\$ /);
    person.type('~.');
    await person.sees(/Come back with: hallpass connect/);
    expect(await person.ended()).toBe(0);
    const { body } = await api.call('', { who: 'robin', path: `/v1/sessions/${session}` });
    expect(body.state).toBe('active');
  });
});

test('what full-screen programs write reaches the terminal as it is, bare line feeds too', async () => {
  using person = home.terminal(['connect', session]);
  await person.sees(/\$ /);
  terminals.open.forEach((it) => it.print('one\ntwo'));
  await person.sees(/one\ntwo/);
  expect(person.shown).not.toContain('one\r\ntwo');
  person.type('exit 0\r');
  await person.ended();
});
