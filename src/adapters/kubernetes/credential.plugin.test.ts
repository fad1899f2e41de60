import type { RequestOptions } from 'node:https';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { CredentialPlugin, byPlugin } from './credential.plugin.js';

const SECRET = 'a-token-that-nobody-may-see';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credential-plugin-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
/** A plugin that is a script, and the numbers of the processes that ran it, of those they began, too. */
function lab(script: string, limitMs = 10_000) {
  const file = join(folder, `${files++}.pids`);
  const args = ['-c', `echo $$ >> "$PIDS"; ${script}`];
  const exec = { command: '/bin/sh', args, env: [{ name: 'PIDS', value: file }] };
  const user = byPlugin({ name: 'u', exec });
  const make = () => new CredentialPlugin(limitMs);
  const ask = async (plugin: CredentialPlugin) => {
    const options = {};
    await plugin.applyAuthentication(user, options);
    return options;
  };
  const pids = async () =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
  return { make, ask, pids };
}

function says(token: string, expirationTimestamp?: string): string {
  const credential = { kind: 'ExecCredential', status: { token, expirationTimestamp } };
  return `echo '${JSON.stringify(credential)}'`;
}

/** Whether it runs. What was killed may wait for ever for a parent that asks what became of it. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (/\) [ZX] /.test(stat)) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  await expect.poll(() => Promise.all(pids.map(runs))).toEqual(pids.map(() => false));
}

const MINUTE_AGO = new Date(Date.now() - 60_000).toISOString();
const BEARER = { headers: { Authorization: `Bearer ${SECRET}` } };

test('a plugin is told in which version it is to answer, and that there is nobody to ask', async () => {
  const told = '$(printf %s "$KUBERNETES_EXEC_INFO" | base64 | tr -d "\\n")';
  const script = `printf '${JSON.stringify({ status: { token: '%s' } })}' "${told}"`;
  const apiVersion = 'client.authentication.k8s.io/v1';
  const exec = { apiVersion, command: '/bin/sh', args: ['-c', script] };
  const options: RequestOptions = {};
  await new CredentialPlugin(10_000).applyAuthentication(byPlugin({ name: 'u', exec }), options);
  const { Authorization } = z.object({ Authorization: z.string() }).parse(options.headers);
  const info: unknown = JSON.parse(
    Buffer.from(Authorization.replace('Bearer ', ''), 'base64').toString(),
  );
  expect(info).toEqual({ kind: 'ExecCredential', apiVersion, spec: { interactive: false } });
});

test('what a plugin says is kept until it expires', async () => {
  for (const [until, times] of [
    [undefined, 1],
    [MINUTE_AGO, 2],
  ] as const) {
    const { make, ask, pids } = lab(says(SECRET, until));
    const plugin = make();
    expect([await ask(plugin), await ask(plugin)]).toEqual([BEARER, BEARER]);
    expect(await pids()).toHaveLength(times);
  }
});

test('a plugin that hangs is given up and killed, with the processes that it began', async () => {
  const { make, ask, pids } = lab('sleep 300 & echo $! >> "$PIDS"; wait', 300);
  await expect(ask(make())).rejects.toThrow('did not end within 300 ms');
  const both = await pids();
  expect(both).toHaveLength(2);
  await untilGone(both);
});

test('while one hangs nobody starts another, not even with the configuration that came after', async () => {
  const { make, ask, pids } = lab(
    'for i in $(cat "$PIDS"); do test $i = $$ || ! kill -0 $i || echo 0 >> "$PIDS"; done; sleep 300',
    300,
  );
  const plugin = make();
  const later = make();
  later.follow(plugin);
  const asked = await Promise.allSettled([plugin, plugin, later, later].map(ask));
  expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
  // One each, and no 0 of one that saw another.
  const seen = await pids();
  expect(seen).toHaveLength(2);
  expect(seen).not.toContain(0);
});

test('one that is killed each time is begun ever less often, and meanwhile all are told why', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { make, ask, pids } = lab('sleep 300', 500);
  const plugin = make();
  const told = () => expect(ask(plugin)).rejects.toThrow('did not end within 500 ms');
  for (const [killed, restMs] of [5_000, 10_000, 20_000, 30_000, 30_000].entries()) {
    await told();
    vi.advanceTimersByTime(restMs - 1);
    await told();
    expect(await pids()).toHaveLength(killed + 1);
    vi.advanceTimersByTime(1);
  }
});

test('one that was killed and then says something may hang again, and no longer for that', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const hangs = `test $(wc -l < "$PIDS") = 2 || sleep 300; ${says(SECRET, MINUTE_AGO)}`;
  const { make, ask, pids } = lab(hangs, 1_000);
  const plugin = make();
  await expect(ask(plugin)).rejects.toThrow('did not end');
  vi.advanceTimersByTime(5_000);
  expect(await ask(plugin)).toEqual(BEARER);
  await expect(ask(plugin)).rejects.toThrow('did not end');
  vi.advanceTimersByTime(5_000);
  await expect(ask(plugin)).rejects.toThrow('did not end');
  expect(await pids()).toHaveLength(4);
});

test('a plugin without end is killed when it has said more than any credentials are', async () => {
  const { make, ask, pids } = lab(`yes ${SECRET}`);
  await expect(ask(make())).rejects.toThrow('says more than any credentials are');
  await untilGone(await pids());
});

test('what is wrong with a plugin is told with its own complaint, and nothing of what it printed', async () => {
  const failing = lab(`${says(SECRET)}; echo 'log in first' >&2; exit 3`);
  await expect(failing.ask(failing.make())).rejects.toThrow(
    /^the credential plugin ended with 3: log in first\n$/,
  );
  const odd = lab(`echo ${SECRET}`);
  await expect(odd.ask(odd.make())).rejects.toThrow(
    /^the credential plugin printed no ExecCredential$/,
  );
  const absent = byPlugin({ name: 'u', exec: { command: '/no/such/plugin' } });
  const missing = new CredentialPlugin(1_000);
  await expect(missing.applyAuthentication(absent, {})).rejects.toThrow(
    'the credential plugin cannot be run',
  );
});
