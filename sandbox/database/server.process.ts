import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commandOf, holdsWithin, isRunning } from './process.life.js';
import { spawnedAs } from './server.account.js';
import type { ServerAccount } from './server.account.js';
import type { ServerFolder } from './server.folder.js';
import { settingsOf } from './server.settings.js';
import type { Durability } from './server.settings.js';

const SETUP_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const PORTS_TRIED_MAX = 5;

/**
 * Runs the server until it ends or the pipe on standard input closes, which it does when our process ends, however that
 * ends. Then a throw-away folder is removed, as far as the account may.
 */
const WATCH = `
program=$1 log=$2 signal=$3 leavings=$4
shift 4
exec 3<&0
"$program" "$@" </dev/null >"$log" 2>&1 3<&- &
server=$!
(read -r _ <&3; kill -"$signal" "$server") >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$server"
status=$?
kill "$watch" 2>/dev/null
[ -z "$leavings" ] || rm -rf "$leavings" 2>/dev/null
exit "$status"
`;

/** Nothing of our own environment: PG* variables and locales would change what the server does. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export interface ServerProcess {
  readonly port: number;
  /** Ends the server and waits for its end. */
  stop(): Promise<void>;
}

export interface ServerPlace {
  readonly account: ServerAccount;
  /** The folder of `bin`, `lib` and `share`. */
  readonly binaries: string;
  readonly folder: ServerFolder;
  readonly durability: Durability;
  readonly settings: Readonly<Record<string, string>>;
}

/** Sets up the database in the folder, unless there is one. */
export async function setUp({ account, binaries, folder, durability }: ServerPlace): Promise<void> {
  const made = folder.prepare();
  if (!made) return;
  const args = [
    ...['--pgdata', made.partial, '--username', 'postgres', '--pwfile', folder.passwordFile],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-instructions'],
    // The same order of texts on every machine.
    ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    // Many rounds slow down who guesses a password; ours are 192 random bits.
    ...['--set', 'scram_iterations=64'],
    ...(durability === 'throw-away' ? ['--no-sync'] : []),
  ];
  try {
    await promisify(execFile)(join(binaries, 'bin', 'initdb'), args, {
      ...spawnedAs(account),
      env: ENVIRONMENT,
      cwd: '/',
      timeout: SETUP_TIMEOUT_MS,
    });
  } catch (cause) {
    throw new Error(`PostgreSQL cannot be set up in ${folder.path}: ${why(cause)}`, { cause });
  }
  made.settle();
}

/** Starts the server on a free port of 127.0.0.1, after ending one that a killed process left in the folder. */
export async function startServer(place: ServerPlace): Promise<ServerProcess> {
  await endLeftover(place.folder);
  for (let tries = 1; ; tries++) {
    const started = await tryPort(place, await freePort());
    if (typeof started !== 'string') return started;
    const isPortTaken = /could not bind|could not create any TCP\/IP sockets/.test(started);
    if (!isPortTaken || tries === PORTS_TRIED_MAX) {
      throw new Error(`PostgreSQL does not start in ${place.folder.path}: ${started}`);
    }
  }
}

/** @returns the server, or the end of its log. */
async function tryPort(place: ServerPlace, port: number): Promise<ServerProcess | string> {
  const { account, binaries, folder, durability, settings } = place;
  const log = join(folder.data, 'server.log');
  const args = ['-D', folder.data, '-p', String(port), ...settingsOf(durability, settings)];
  const signal = durability === 'throw-away' ? 'QUIT' : 'INT';
  const leavings = folder.isThrowAway ? folder.path : '';
  const watch = spawn(
    '/bin/sh',
    [
      '-c',
      WATCH,
      'hallpass-postgres',
      join(binaries, 'bin', 'postgres'),
      log,
      signal,
      leavings,
      ...args,
    ],
    {
      ...spawnedAs(account),
      env: ENVIRONMENT,
      cwd: '/',
      // Ctrl-C is for us: the server must outlive what we still have to write.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  // Neither keeps our process alive; when it ends, so does the server.
  watch.unref();
  const { stdin } = watch;
  if (stdin instanceof Socket) stdin.unref();
  stdin.on('error', () => undefined);
  let spawnError: Error | undefined;
  watch.on('error', (error) => (spawnError = error));

  const hasEnded = (): boolean =>
    spawnError !== undefined || watch.exitCode !== null || watch.signalCode !== null;
  const isUp = (): boolean => pidFile(folder)?.port === port && pidFile(folder)?.isReady === true;
  const settled = await holdsWithin(START_TIMEOUT_MS, () => hasEnded() || isUp());
  if (settled && !hasEnded()) return { port, stop: () => stop(watch, folder) };
  const said = spawnError?.message ?? tail(log);
  await stop(watch, folder);
  return said === '' ? 'it says nothing' : said;
}

async function stop(watch: ChildProcess, folder: ServerFolder): Promise<void> {
  const hasEnded = (): boolean =>
    watch.pid === undefined || watch.exitCode !== null || watch.signalCode !== null;
  watch.ref();
  watch.stdin?.destroy();
  await holdsWithin(STOP_TIMEOUT_MS, hasEnded);
  // The watch itself may have been killed, or the server not have heard it.
  await endLeftover(folder);
}

/** Ends a server that runs in the folder though nobody uses it: both the process that started it and its watch were killed. */
async function endLeftover(folder: ServerFolder): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    const pid = pidFile(folder)?.pid;
    if (pid === undefined || !isServer(pid, folder)) return;
    kill(pid, signal);
    if (await holdsWithin(STOP_TIMEOUT_MS, () => !isServer(pid, folder))) return;
  }
  throw new Error(
    `A PostgreSQL in ${folder.path} does not end: end process ${pidFile(folder)?.pid ?? '?'}.`,
  );
}

/** Whether the process is a server of this folder, and not another that was given the same number. */
function isServer(pid: number, folder: ServerFolder): boolean {
  if (!isRunning(pid)) return false;
  const command = commandOf(pid);
  return process.platform !== 'linux' || command.includes(folder.data);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** `postmaster.pid`: process, folder, start, port, …, and on the eighth line whether it is ready (as pg_ctl reads it). */
function pidFile(
  folder: ServerFolder,
): { pid: number; port: number; isReady: boolean } | undefined {
  try {
    const lines = readFileSync(join(folder.data, 'postmaster.pid'), 'utf8').split('\n');
    const isReady = lines[7]?.trim() === 'ready';
    return { pid: Number(lines[0]), port: Number(lines[3]), isReady };
  } catch {
    return undefined;
  }
}

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

function tail(log: string): string {
  try {
    return readFileSync(log, 'utf8').trim().split('\n').slice(-5).join(' | ');
  } catch {
    return '';
  }
}

function why(cause: unknown): string {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
  if (stderr !== '') return stderr.split('\n').slice(-5).join(' | ');
  return cause instanceof Error ? cause.message : String(cause);
}
