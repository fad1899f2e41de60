import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';
/** Any address and loopback, as /proc has them: bytes of each 32-bit word reversed. */
const addresses = {
  '/proc/net/tcp': { '00000000': '127.0.0.1', '0100007F': '127.0.0.1' },
  '/proc/net/tcp6': {
    ['0'.repeat(32)]: '::1',
    [`${'0'.repeat(24)}01000000`]: '::1',
  },
} as const;

/** A socket that takes connections on a port. */
interface Listening {
  host: string;
  inode: string;
}

/**
 * The address by which a port reaches one of these processes: loopback, the older protocol first, or undefined where
 * none of them listens. Containers share this machine's network; a port that another program of the machine listens on
 * is none of theirs, as it would not be in a network namespace of their own.
 */
export function addressOf(port: number, isTheirs: (pid: number) => boolean): string | undefined {
  const found = listeningOn(port);
  if (found.length === 0) return undefined;
  const held = new Set(processes().filter(isTheirs).flatMap(socketsOf));
  return found.find(({ inode }) => held.has(inode))?.host;
}

function listeningOn(port: number): Listening[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return Object.entries(addresses).flatMap(([file, hosts]) =>
    lines(file).flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', at] = local.split(':');
      const host = Object.entries(hosts).find(([hex]) => hex === address)?.[1];
      return at === wanted && state === listening && host !== undefined ? [{ host, inode }] : [];
    }),
  );
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(1);
  } catch {
    return []; // A machine without IPv6, or without /proc: nobody listens there.
  }
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function socketsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // It has ended meanwhile.
  }
}
