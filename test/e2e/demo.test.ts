import '../support/needs.containers.js';
import { execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Browser } from '../../sandbox/identity/code.flow.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { Program } from '../support/program.js';

const USUAL_PORTS = [8080, 9090, 8090, 6443];

/** Holds a port for as long as the test runs, where nobody else does. */
async function taken(port: number): Promise<Disposable> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve).once('error', resolve));
  return { [Symbol.dispose]: () => void server.close() };
}

/** Runs lines of which one signs in, and goes through its pages as a browser would. @returns what they print. */
async function signedInAsRobin(lines: string): Promise<string> {
  const shell = spawn('bash', ['-euc', lines], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = text(shell.stdout);
  let told = '';
  for await (const part of shell.stderr) {
    told += String(part);
    const page = /^http\S+$/m.exec(told)?.[0];
    if (page === undefined) continue;
    told = '';
    const browser = new Browser(new URL(page).searchParams.get('redirect_uri') ?? '');
    const form = await browser.open(page);
    await fetch(await browser.open(form, new URLSearchParams({ sub: PEOPLE.requester.sub })));
  }
  return printed;
}

test('the demo plays a session to its end with the usual ports taken, then serves the lines that it prints', async () => {
  using held = new DisposableStack();
  for (const port of USUAL_PORTS) held.use(await taken(port));
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-demo-'));
  held.defer(() => rmSync(folder, { recursive: true, force: true }));
  // For root's PostgreSQL too, which runs as somebody else.
  await chmod(folder, 0o1777);
  await using demo = new Program('sandbox/demo.ts', [], { NO_COLOR: '1', TMPDIR: folder });
  await demo.says(/stays up/);
  const said = stripVTControlCharacters(demo.stdout);
  for (const state of ['pending', 'approved', 'starting', 'active', 'ending', 'ended']) {
    expect(said).toMatch(new RegExp(`→ ${state}$`, 'm'));
  }
  for (const action of ['ask', 'approve', 'start', 'run', 'expire', 'finish']) {
    expect(said).toMatch(new RegExp(`session\\.${action} +success`));
  }

  // Pasted as it stands.
  const script = said.slice(
    said.indexOf('\n', said.indexOf('Or by the API')),
    said.indexOf('It stays up'),
  );
  const { stdout } = await promisify(execFile)('bash', ['-euc', `${script}\nwait`]);
  expect(stdout).toContain('"verdict":"approve"');
  expect(stdout).toContain('"to":"active"');
  expect(stdout).toContain('"action":"session.approve"');
  expect(stdout).toMatch(/"state":"(?:ending|ended)"/);
  expect(stdout).toContain('"event":"break-glass"');
  expect(stdout).toMatch(/\{"items":\[\{"session":.*"finding":null/);
  expect(stdout).toContain('"finding":"justified"');

  // By the command line, as the lines have it: the page is looked at here, and a command takes the place of the shell.
  const lines = said.slice(
    said.indexOf('\n', said.indexOf('By the command line')),
    said.indexOf('Or by the API'),
  );
  expect(/^ +hallpass debug .*$/m.exec(lines)).not.toBeNull();
  const entered = lines.replace(/^ +hallpass debug .*$/m, "$& -- sh -c 'echo in it: $$((40 + 2))'");
  const printed = await signedInAsRobin(entered);
  expect(printed).toContain('in it: 42\n');
  expect(printed).toMatch(
    /1 recording is the one that was stored\.\nAll \d+ events are as they were/,
  );
  expect(printed).toContain('It goes on from the older checkpoint');
  expect(printed).toContain('every file is what the log vouches for');

  // As `npm run demo | tee` leaves it at Ctrl-C.
  demo.stopReading();
  demo.signal('SIGINT');
  expect(await demo.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(folder), 'what it leaves behind').toEqual([]);
}, 120_000);
