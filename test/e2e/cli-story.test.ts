import '../support/needs.containers.js';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Browser } from '../../sandbox/identity/code.flow.js';
import { freePort } from '../../sandbox/free.port.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { ScreenHits } from '../../src/contract/recording.schema.js';
import type { Broker } from '../../src/broker.js';
import { BrokerLab } from '../support/broker.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';

/** `hallpass` on machines of several people, against a whole broker: what one does from signing in to reading it up. */
let lab: BrokerLab;
let broker: Broker;
const homes = new Map<PersonKey, HallpassHome>();

beforeAll(async () => {
  lab = await BrokerLab.start();
  broker = await lab.brokerWithTls();
  for (const person of ['requester', 'approver', 'auditor'] as const) {
    homes.set(person, await signedIn(person, broker));
  }
}, 120_000);
afterAll(async () => {
  await Promise.all([...homes.values()].map((home) => home[Symbol.asyncDispose]()));
  await lab[Symbol.asyncDispose]();
});

function home(person: PersonKey): HallpassHome {
  const found = homes.get(person);
  if (!found) throw new Error(`${person} is not signed in`);
  return found;
}

/** Somebody who signs in through the pages of the identity provider. */
async function signedIn(person: PersonKey, to: Broker): Promise<HallpassHome> {
  const machine = await HallpassHome.make();
  const child = machine.start([
    ...['login', '--no-browser', '--server', to.url],
    ...['--ca-file', lab.sandbox.tls.caFile],
  ]);
  const closed = once(child, 'close');
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const page = await vi.waitFor(
    () => {
      const found = /^http\S+$/m.exec(said)?.[0];
      if (found === undefined) throw new Error(said);
      return new URL(found);
    },
    { timeout: 30_000 },
  );
  const browser = new Browser(page.searchParams.get('redirect_uri') ?? '');
  const form = await browser.open(page.href);
  const { sub } = PEOPLE[person];
  await fetch(await browser.open(form, new URLSearchParams({ sub })));
  const [code] = await closed;
  if (code !== 0) throw new Error(said);
  return machine;
}

async function run(person: PersonKey, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await home(person).run(args);
  if (code !== 0) throw new Error(`hallpass ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout.toString();
}

const idIn = (text: string): string => /\b[0-9a-hjkmnp-tv-z]{16}\b/.exec(text)?.[0] ?? '';

// A story starts the program many times, one after the other.
describe('the story of a session, from the command line', { timeout: 120_000 }, () => {
  test('ask, wait, approved elsewhere, watched, prompt, work, deadline; then it is played and exported', async () => {
    using robin = home('requester').terminal([
      ...['debug', 'deployment/checkout', '-n', 'payments', '--profile', 'shell'],
      ...['--for', '25s', '--reason', 'orders are stuck', '--ticket', 'INC-4711'],
    ]);
    await robin.sees(/is pending: it waits for the consent of 1 of payments-leads/);
    const id = idIn(robin.shown);

    using alex = home('approver').terminal(['approve', id]);
    await alex.sees(/orders are stuck/);
    await alex.sees(/Do you consent to this\?/);
    alex.type('y');
    expect(await alex.ended()).toBe(0);

    await robin.sees(/[#$] /);
    using audrey = home('auditor').terminal(['watch', id]);
    await audrey.sees(/You are watching/);
    await robin.sees(/\[hallpass\] .*(watch|Audrey|audrey)/i);
    robin.type('echo the answer is $((40 + 2))\r');
    await robin.sees(/the answer is 42/);
    await audrey.sees(/the answer is 42/);

    await robin.sees(/The session is over \(deadline\)/, 40_000);
    expect(await robin.ended()).toBe(4);
    await audrey.sees(/The session is over/);

    const recordings = await run('auditor', 'recording', 'list', id, '-o', 'json');
    const [recording] = JSON.parse(recordings).items;
    expect(recording).toMatchObject({ session: id, kind: 'terminal' });
    const played = await run('auditor', 'recording', 'play', recording.id, '--speed', '1000');
    expect(played).toContain('the answer is 42');
    const cast = join(home('auditor').folder, 'a.cast');
    await run('auditor', 'recording', 'export', recording.id, '--format', 'v2', '--file', cast);
    expect(JSON.parse((await readFile(cast, 'utf8')).split('\n')[0] ?? '').version).toBe(2);
    const held = await run('auditor', 'recording', 'hold', recording.id, '--reason', 'INC-4711');
    expect(held).toContain('is kept until');
  });

  test('what was on the screen is found by hallpass recording search, soon after the stream has ended', async () => {
    const script = String.raw`printf '\033[1;31mzebra\033[0m %s\n' crossing-$((40 + 2))`;
    const { code, stderr } = await home('requester').run([
      ...['debug', 'cart', '-n', 'staging', '--profile', 'shell', '--reason', 'a look', '--'],
      ...['sh', '-c', script],
    ]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const search = (text: string, ...more: string[]) =>
      run('auditor', 'recording', 'search', text, '-o', 'json', ...more);
    const [hit] = await vi.waitFor(
      async () => {
        const { items } = ScreenHits.parse(JSON.parse(await search('"zebra crossing-42"')));
        expect(items).toHaveLength(1);
        return items;
      },
      { timeout: 15_000 },
    );
    // As it was shown: without colours, and with what came of what was typed.
    expect(hit?.text).toBe('zebra crossing-42');
    const session = hit?.session ?? '';
    const table = await run('auditor', 'recording', 'search', 'zebra', '--session', session);
    expect(table).toContain(hit?.recording);
    expect(table).toContain('zebra crossing-42');
    // Who was in it may search it, and nobody else's.
    const own = await run('requester', 'recording', 'search', 'crossing', '--session', session);
    expect(own).toContain('zebra crossing-42');
    expect((await home('requester').run(['recording', 'search', 'crossing'])).code).not.toBe(0);
    const searched = await run('auditor', 'audit', 'events', '--action', 'recording.searched');
    expect(searched).toContain('recording.searched');
  });

  test('a command between pipes passes bytes and its exit code, in a session that is granted at once', async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const { code, stdout, stderr } = await home('requester').run(
      [
        ...['debug', 'cart', '-n', 'staging', '--profile', 'shell', '--reason', 'a look'],
        ...['--', 'sh', '-c', 'cat; echo done >&2; exit 9'],
      ],
      input,
    );
    expect(stderr).toContain('done\n');
    expect(code).toBe(9);
    expect(stdout.equals(input)).toBe(true);
  });

  test('a kubeconfig of the session is put into the file that kubectl reads, and the real one works by it', async () => {
    const asked = await run(
      'requester',
      ...['debug', 'cart', '-n', 'staging', '--profile', 'shell', '--reason', 'more', '--no-wait'],
      ...['-o', 'json'],
    );
    const { id } = JSON.parse(asked);
    await run('requester', 'kubeconfig', id, '--merge');
    const file = join(home('requester').folder, '.kube', 'config');
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({
      'current-context': `hallpass-${id}`,
      users: [{ user: { exec: { command: 'hallpass' } } }],
    });
    await run('requester', 'wait', id);
    const real = await Kubectl.with('');
    const { program } = real.invocation([]);
    const pods = await home('requester').runOther(program, ['get', 'pods', '-o', 'name']);
    expect(pods).toEqual({ code: 0, stdout: expect.stringMatching(/^pod\/cart-/), stderr: '' });
    const plugin = await home('requester').runOther(program, ['hallpass', 'session', 'show', id]);
    expect([plugin.code, plugin.stdout]).toEqual([0, expect.stringContaining(id)]);
    await real.close();
    const credential = JSON.parse(await run('requester', 'kube-credential'));
    expect(credential.status.expirationTimestamp).toMatch(/Z$/);
    await run('requester', 'end', id);
  });

  test('kubectl trusts what hallpass login was told to trust, where the broker names no authority', async () => {
    const { certFile, keyFile } = lab.sandbox.tls;
    const server = { port: await freePort(0), tls: { certFile, keyFile } };
    await using there = await signedIn('requester', await lab.broker({ surroundings: { server } }));
    const written = await there.run(['kubeconfig', '--cluster', 'sandbox', '--merge']);
    expect([written.code, written.stderr]).toEqual([0, expect.stringContaining('kubectl now')]);
    const real = await Kubectl.with('');
    const { program } = real.invocation([]);
    const resources = await there.runOther(program, ['api-resources', '-o', 'name']);
    expect(resources).toEqual({ code: 0, stdout: expect.stringMatching(/^pods$/m), stderr: '' });
    await real.close();
  });
});
