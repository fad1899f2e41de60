import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

let api: Api;
let home: HallpassHome;
let id: string;

beforeAll(async () => {
  api = await startApi();
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'robin' });
  id = (await api.ask({ namespace: 'payments', reason: 'bad \u00e9 reason', ticket: 'INC-1' })).body
    .id;
});
afterAll(async () => {
  await api.close();
  await home[Symbol.asyncDispose]();
});

const hallpass = (...args: string[]) => home.run(args);
const out = async (...args: string[]) => {
  const { code, stdout, stderr } = await hallpass(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.toString();
};

describe('sessions', () => {
  test('are a table for people, with more columns when there is room', async () => {
    const text = await out('sessions', '--mine');
    expect(text).toMatch(/^ID +STATE +WHO +WHERE +PROFILE +ASKED +UNTIL\n/);
    expect(text).toContain(`${id}  pending  robin  sandbox/payments pod/`);
    expect(text).not.toContain('INC-1');
    expect(await out('sessions', '-o', 'wide')).toContain('INC-1');
  });

  test('are for programs what the broker answers, as JSON and as YAML', async () => {
    const { body } = await api.call('', { who: 'robin', path: '/v1/sessions' });
    expect(JSON.parse(await out('sessions', '-o', 'json'))).toEqual(body);
    expect(parse(await out('sessions', 'list', '-o', 'yaml'))).toEqual(body);
  });

  test('are found by state, and nothing is a sentence', async () => {
    expect(await out('sessions', '--state', 'ended', 'denied')).toBe('There are none.\n');
  });

  test('show all of one, its times in the zone of the person, which is named', async () => {
    for (const command of ['sessions', 'session']) {
      const text = await out(command, 'show', id);
      expect(text).toMatch(/asked +.*\d\d:\d\d:\d\d (CET|CEST|GMT\+[12]) \(/);
      expect(text).toContain('still needed: 1 of payments-leads');
      expect(text).toContain('bad é reason');
    }
  });

  test('are listed however many pages there are', async () => {
    for (let count = 0; count < 3; count++) await api.ask();
    const some = JSON.parse(await out('sessions', '-o', 'json', '--limit', '2'));
    expect([some.items.length, typeof some.nextCursor]).toEqual([2, 'string']);
  });
});

describe('colours', () => {
  test('are shown in a terminal, and not where NO_COLOR says so or no terminal is', async () => {
    using coloured = home.terminal(['sessions']);
    await coloured.ended();
    expect(coloured.shown).toContain('\u001b[');
    using plain = home.terminal(['sessions'], { NO_COLOR: '1' });
    await plain.ended();
    expect(plain.shown).not.toContain('\u001b[');
    expect(await out('sessions')).not.toContain('\u001b[');
  });
});

test('clusters says where sessions can be had, and what is the matter with the rest', async () => {
  expect(await out('clusters')).toMatch(/^NAME +STATE +SINCE .*\nsandbox +unknown +- +- +\* +-\n$/);
  api.clusterStates.away('sandbox', new Date('2026-11-28T10:00:00Z'));
  const text = await out('clusters');
  const { items } = JSON.parse(await out('clusters', '-o', 'json'));
  api.clusterStates.states = [];
  expect(text).toMatch(
    /sandbox +unreachable +2026-11-28T10:00:00.000Z .* It does not answer in time\.\n/,
  );
  expect(items[0].health).toMatchObject({ state: 'unreachable', advice: expect.any(String) });
});

test('whoami says who one is to the broker', async () => {
  expect(await out('whoami')).toMatch(/subject +robin\n[^]*roles +requester\n/);
});

test('the audit log is read by those who may', async () => {
  const { code, stdout } = await home.run(['audit', 'events', '--session', id], undefined, {
    HALLPASS_TOKEN: 'auditor',
  });
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/session\.\S+ +success +robin/);
  const refused = await hallpass('audit', 'events');
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('roles')]);
});

describe('a command that cannot go on says so in a sentence', () => {
  const failure = async (args: string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await home.run(args, undefined, env);
    expect(stdout.toString()).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    return { code, stderr };
  };

  test('where the token does not hold: 5, and how to sign in', async () => {
    const { code, stderr } = await failure(['sessions'], { HALLPASS_TOKEN: 'expired' });
    expect([code, stderr]).toEqual([5, expect.stringContaining('hallpass login')]);
  });

  test('where nobody is signed in: 5', async () => {
    expect((await failure(['sessions'], { HALLPASS_TOKEN: '' })).code).toBe(5);
  });

  test('where nothing answers: 6, and which address', async () => {
    const { code, stderr } = await failure(['sessions', '--server', 'http://127.0.0.1:1']);
    expect(code).toBe(6);
    expect(stderr).toMatch(/^http:\/\/127\.0\.0\.1:1 does not answer/);
  });

  test('where its certificate is by an authority that is not known: 2, and how to name it', async () => {
    const { certPem, keyPem, caPem } = await makeServerCertificate('hallpass');
    const server = createServer({ cert: certPem, key: keyPem }, (_, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const args = ['sessions', '--server', `https://127.0.0.1:${port}`];
    const { code, stderr } = await failure(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/authority .* --ca-file/)]);
    const caFile = join(home.folder, 'ca.crt');
    await writeFile(caFile, caPem);
    expect((await failure([...args, '--ca-file', caFile])).stderr).toMatch(/does not understand/);
    server.close();
  });

  test('where the address is one that tokens must not go to: 2', async () => {
    const { code, stderr } = await failure(['sessions', '--server', 'http://example.com']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('https')]);
  });

  test('where there is no such session: 2', async () => {
    expect((await failure(['session', 'show', 'nosuchsessionxxx'])).code).toBe(2);
  });
});

describe('kube-credential', () => {
  test('gives kubectl the token, and when it expires', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 1_796_000_000 })).toString('base64url');
    const token = `h.${claims}.s`;
    const { stdout } = await home.run(['kube-credential'], undefined, { HALLPASS_TOKEN: token });
    expect(JSON.parse(stdout.toString())).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token, expirationTimestamp: '2026-11-30T00:53:20Z' },
    });
  });

  test('says nothing on standard output where there is no token', async () => {
    const { code, stdout } = await home.run(['kube-credential'], undefined, { HALLPASS_TOKEN: '' });
    expect([code, stdout.toString()]).toEqual([5, '']);
  });
});

describe('extend', () => {
  test('says that the terms allow none, where they do not: 3', async () => {
    const { body } = await api.ask();
    await api.step(body.id, 'start');
    const now = new Date();
    await api.step(body.id, 'run', {
      startedAt: now,
      deadlineAt: new Date(now.getTime() + 60_000),
    });
    const { code, stderr } = await hallpass('extend', body.id, '--for', '15m');
    expect([code, stderr]).toEqual([3, expect.stringContaining('The session is not extended: ')]);
  });
});

describe('what is shown in a session', () => {
  test('is watched by those who decide about it, as it is shown, until one leaves', async () => {
    const { body } = await api.ask({ namespace: 'payments' });
    await home.run(['approve', body.id, '--yes'], undefined, { HALLPASS_TOKEN: 'alex' });
    using person = home.terminal(['watch', body.id], { HALLPASS_TOKEN: 'alex' });
    await person.sees(/You are watching/);
    const recording = '5w2m9q4x1v8t3b6n';
    const show = (line: string) => api.streams.live.show(body.id, { recording, line } as never);
    show('{"version":3,"term":{"cols":80,"rows":24},"title":"a shell"}');
    show('[0.1,"o","hello \\u001b[1mthere\\u001b[0m\\r\\n"]');
    await person.sees(/a shell 80x24/);
    await person.sees(/hello \u001b\[1mthere/);
    person.type('\u0003');
    expect(await person.ended()).toBe(130);
  });

  test('throws no watcher out, whatever it has their terminal answer, and asks it nothing', async () => {
    const { body } = await api.ask({ namespace: 'payments' });
    await home.run(['approve', body.id, '--yes'], undefined, { HALLPASS_TOKEN: 'alex' });
    using person = home.terminal(['watch', body.id], { HALLPASS_TOKEN: 'alex' });
    await person.sees(/You are watching/);
    const show = (output: string) =>
      api.streams.live.show(body.id, {
        recording: '5w2m9q4x1v8t3b6n',
        line: JSON.stringify([0.1, 'o', output]),
      } as never);
    show('before \u001bP$q q\u001b\\\u001b]52;c;aGk=\u0007after');
    await person.sees(/before after/);
    // As a terminal answers that was asked all the same.
    person.type('\u001bP1$r2 q\u001b\\');
    show(' and on');
    await person.sees(/ and on/);
    expect(person.code).toBeUndefined();
    person.type('q');
    expect(await person.ended()).toBe(130);
  });

  test('is not watched by whoever asked for the session: 3 or 2, with the reason', async () => {
    const { body } = await api.ask({ namespace: 'payments' });
    const { code, stderr } = await hallpass('watch', body.id);
    expect([code, stderr]).toEqual([3, expect.stringContaining('roles')]);
  });
});
