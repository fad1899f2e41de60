import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import tls from 'node:tls';
import type { ClientEnvironment } from '../../config/client.environment.js';
import type { ClientWorld, Signals } from './client.world.js';
import type { Screen } from './screen.js';

/** This process, as the commands of a client see it. */
export function nodeWorld(args: {
  readonly version: string;
  readonly screen: Screen;
  readonly env: ClientEnvironment;
}): ClientWorld {
  return {
    ...args,
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    now: () => new Date(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    signals: SIGNALS_OF_PROCESS,
    letThrough,
    openPage,
    trust: (certificates) => {
      tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificates]);
    },
  };
}

const HEARD = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const SIGNALS_OF_PROCESS: Signals = {
  listen: (heard) => {
    const handlers = HEARD.map((name) => {
      const handler = (): void => heard(constants.signals[name]);
      process.on(name, handler);
      return () => process.off(name, handler);
    });
    return () => handlers.forEach((stop) => stop());
  },
  resized: (heard) => {
    process.stdout.on('resize', heard);
    return () => void process.stdout.off('resize', heard);
  },
};

/**
 * Raw mode in Node leaves the processing of output on (libuv: UV_TTY_MODE_RAW sets ONLCR), and there is no other way to
 * switch it off. Leaving raw mode sets all as it was before.
 */
function letThrough(): void {
  if (process.platform === 'win32' || !process.stdin.isTTY) return;
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'], timeout: 2_000 });
}

/** What opens an address, by platform. The address is an argument of its own and never a shell's. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

function openPage(address: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  // Where there is no browser, the address was printed.
  child.on('error', () => undefined);
  child.unref();
}
