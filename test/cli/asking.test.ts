import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api, Who } from '../support/http.api.js';
import { POLICIES, startApi } from '../support/http.api.js';
import { PlayedTerminals } from '../support/played.terminal.js';
import { setOf } from '../support/policies.js';
import { PROFILE } from '../support/sessions.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

const terminals = new PlayedTerminals();
let api: Api;
let home: HallpassHome;

beforeAll(async () => {
  api = await startApi({ deps: { enterSession: terminals } });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'robin' });
});
afterAll(async () => {
  await api.close();
  await home[Symbol.asyncDispose]();
});

const as = (who: string) => ({ HALLPASS_TOKEN: who });
const hallpass = (...args: string[]) => home.run(args);
const why = ['--reason', 'orders are stuck'];
const idIn = (text: string): string => /\b[0-9a-hjkmnp-tv-z]{16}\b/.exec(text)?.[0] ?? '';

/** What the API says of a session. */
async function read(id: string, who: Who = 'robin') {
  return (await api.call('', { who, path: `/v1/sessions/${id}` })).body;
}
/** A session of Robin's that waits for one consent, by id. */
async function pending(namespace = 'payments'): Promise<string> {
  return (await api.ask({ namespace })).body.id;
}

describe('hallpass debug', () => {
  test('waits and says for whom, and is in the session as soon as somebody has consented elsewhere', async () => {
    using person = home.terminal(['debug', 'pod/web-a', '-n', 'payments', ...why]);
    await person.sees(/is pending: it waits for the consent of 1 of payments-leads/);
    const id = idIn(person.shown);
    const approved = await home.run(['approve', id, '--yes'], undefined, as('alex'));
    expect(approved.code).toBe(0);
    await person.sees(/\$ /);
    person.type('exit 5\r');
    expect(await person.ended()).toBe(5);
    expect(terminals.streams.at(-1)?.entry.session).toBe(id);
  });

  test('asks for the target, the profile and the reason where they are not said', async () => {
    using person = home.terminal(['debug', '-n', 'staging']);
    await person.sees(/What do you want to debug\?/);
    await person.sees(/deployment\/checkout/);
    person.type('\r');
    await person.sees(/Why\?/);
    person.type('the pool is exhausted\r');
    await person.sees(/\$ /);
    const { request } = await read(terminals.streams.at(-1)!.entry.session);
    expect(request).toMatchObject({
      target: { workload: { kind: 'Deployment', name: 'checkout' } },
      reason: 'the pool is exhausted',
    });
    person.type('exit 0\r');
    expect(await person.ended()).toBe(0);
  });

  test('finds the workload that a name alone stands for', async () => {
    const { code, stdout } = await hallpass(
      ...['debug', 'checkout', '-n', 'payments', ...why, '--no-wait', '-o', 'json'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout.toString()).request.target).toMatchObject({
      workload: { kind: 'Deployment', name: 'checkout' },
    });
  });

  test('asks nothing with --no-input, and says what is missing', async () => {
    const noTarget = await hallpass('debug', '--no-input', '-n', 'payments', ...why);
    expect([noTarget.code, noTarget.stderr]).toEqual([
      2,
      'TARGET is missing, and nobody can be asked: give it on the command line.\n',
    ]);
    const noReason = await hallpass('debug', 'pod/web', '--no-input', '-n', 'payments');
    expect([noReason.code, noReason.stderr]).toEqual([2, expect.stringContaining('--reason')]);
  });

  test('says that there is a session like it, and with which time and reason that one was asked for', async () => {
    const ask = (length: string, reason: string) =>
      hallpass(
        ...['debug', 'pod/web-alike', '-n', 'payments', '--no-wait', '-o', 'json'],
        ...['--for', length, '--reason', reason],
      );
    const first = await ask('10m', 'a first look');
    expect(first.stderr).toBe('');
    const second = await ask('30m', 'another matter');
    expect(idIn(second.stdout.toString())).toBe(idIn(first.stdout.toString()));
    expect(second.stderr).toMatch(/have a session like that.*for 10 min, "a first look"/);
  });

  test('says why policy denies it, and exits with 3', async () => {
    const { code, stderr } = await hallpass('debug', 'pod/web', '-n', 'elsewhere', ...why);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^\S+ was denied by policy: /);
  });

  test('exits with 3 where somebody denies it, and says who and why', async () => {
    const child = home.start(['debug', 'pod/web-d', '-n', 'payments', ...why, '--', 'cat']);
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(() => expect(stderr).toContain('is pending'), { timeout: 10_000 });
    const id = idIn(stderr);
    await home.run(['deny', id, '--yes', '--comment', 'not today'], undefined, as('alex'));
    expect(await ended).toBe(3);
    expect(stderr).toMatch(/was denied by .*alex.*: not today/);
  });

  test('exits with 4 where the session lapses', async () => {
    const child = home.start(['connect', await pending(), '--', 'cat']);
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(() => expect(stderr).toContain('is pending'), { timeout: 10_000 });
    await api.step(idIn(stderr), 'lapse', { endReason: 'lapsed' });
    expect(await ended).toBe(4);
    expect(stderr).toContain('is over (lapsed)');
  });
});

describe('what is wrong with a request is said by the name of each', () => {
  test('the profile by its option, and which there are', async () => {
    const profiles = ['shell', 'heap'].map((name) => ({ ...PROFILE, name }));
    const choice = await startApi({ set: setOf(POLICIES, profiles) });
    const ask = ['debug', 'pod/web', '--no-input', '-n', 'payments', ...why];
    const { code, stderr } = await hallpass(...ask, '--server', choice.url);
    await choice.close();
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^--profile is .* heap, shell\.\n$/)]);
  });

  test('other fields, and no word of the JSON that says so', async () => {
    const { code, stderr } = await hallpass(
      ...['debug', 'pod/web', '-n', 'payments', '--reason', ' ', '--no-wait'],
    );
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^Some fields are not acceptable: reason [^"(]*\.\n$/),
    ]);
  });
});

describe('Ctrl-C while waiting', () => {
  test('asks, and withdraws the session where that is wanted', async () => {
    using person = home.terminal(['connect', await pending()]);
    await person.sees(/is pending/);
    const id = idIn(person.shown);
    person.type('\u0003');
    await person.sees(/keep waiting[^]*withdraw it/);
    person.type('\u001b[B\u001b[B\r');
    expect(await person.ended()).toBe(130);
    expect(await read(id)).toMatchObject({ state: 'ended', endReason: 'withdrawn' });
  });

  test('goes on waiting where that is wanted', async () => {
    using person = home.terminal(['connect', await pending()]);
    await person.sees(/is pending/);
    person.type('\u0003');
    await person.sees(/keep waiting/);
    person.type('\r');
    await person.sees(/is pending/);
    person.type('\u0003');
    await person.sees(/keep waiting/);
  });

  test('typed twice leaves at once, and everything as it is', async () => {
    using person = home.terminal(['connect', await pending()]);
    await person.sees(/is pending/);
    const id = idIn(person.shown);
    person.type('\u0003');
    await person.sees(/keep waiting/);
    person.type('\u0003');
    expect(await person.ended()).toBe(130);
    expect((await read(id)).state).toBe('pending');
  });

  test('leaves the session as it is with --no-input, and says how to come back', async () => {
    const id = await pending();
    using person = home.terminal(['connect', id, '--no-input']);
    await person.sees(/is pending/);
    person.type('\u0003');
    await person.sees(new RegExp(`Come back with: hallpass connect ${id}`));
    expect(await person.ended()).toBe(130);
    expect((await read(id)).state).toBe('pending');
  });
});

describe('hallpass approve', () => {
  test('shows what is approved, and does nothing before the person is sure', async () => {
    const id = await pending('vault');
    using person = home.terminal(['approve', id], as('alex'));
    await person.sees(/robin/);
    await person.sees(/pod\/web-\d+/);
    await person.sees(/Do you consent to this\?/);
    expect((await read(id)).approvals.given).toEqual([]);
    person.type('y');
    await person.sees(/still|waits for the consent of 1 of payments-leads/);
    expect(await person.ended()).toBe(0);
    expect((await read(id)).approvals.given).toEqual(['alex@example.com']);
  });

  test('shows the session anew where it changed while the question stood', async () => {
    const id = await pending('vault');
    using person = home.terminal(['approve', id], as('alex'));
    await person.sees(/Do you consent to this\?/);
    expect((await home.run(['approve', id, '--yes'], undefined, as('sam'))).code).toBe(0);
    person.type('y');
    await person.sees(/has changed meanwhile/);
    await person.sees(/sam/);
    await person.sees(/Do you consent to this\?/);
    person.type('y');
    expect(await person.ended()).toBe(0);
    expect((await read(id)).state).toBe('approved');
  });

  test('needs --yes where nobody can be asked', async () => {
    const { code, stderr } = await home.run(['approve', await pending()], undefined, as('alex'));
    expect([code, stderr]).toEqual([2, expect.stringContaining('--yes')]);
  });

  test("tells somebody whom policy does not name the broker's own reason, and exits with 2 or 3", async () => {
    const id = await pending();
    const own = await hallpass('approve', id, '--yes');
    expect(own.code).toBe(3);
    expect(own.stderr).toContain('Your roles do not allow this: ');
    const stranger = await home.run(['approve', id, '--yes'], undefined, as('stranger'));
    expect([stranger.code, stranger.stderr]).toEqual([2, expect.stringContaining('nothing here')]);
  });
});

test('retract takes the consent back, end withdraws, revoke is for others', async () => {
  const id = await pending('vault');
  await home.run(['approve', id, '--yes'], undefined, as('alex'));
  expect((await home.run(['retract', id, '--yes'], undefined, as('alex'))).code).toBe(0);
  expect((await read(id)).approvals.given).toEqual([]);
  const ended = await hallpass('end', id);
  expect([ended.code, ended.stdout.toString()]).toEqual([
    0,
    expect.stringContaining('is over (withdrawn)'),
  ]);
  const again = await hallpass('end', id);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('past that step')]);
  const other = await pending();
  const revoked = await home.run(['revoke', other, '--comment', 'no'], undefined, as('admin'));
  expect([revoked.code, (await read(other)).endReason]).toEqual([0, 'revoked']);
});

test('wait ends as soon as the session is as wanted', async () => {
  const id = await pending();
  const child = home.start(['wait', id, '--until', 'approved']);
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stderr.once('data', resolve));
  await home.run(['approve', id, '--yes'], undefined, as('alex'));
  expect(await ended).toBe(0);
});
