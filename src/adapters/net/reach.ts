import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Unseen } from '../../domain/doctor/finding.js';

/** Where somebody listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Certificates that its own is checked with, where they are not public ones. */
  readonly caPem: string | null;
}

/** Where a URL leads. */
export function listenerOf(address: string, caPem: string | null = null): Listener {
  const { protocol, hostname, port } = new URL(address);
  const tls = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (tls ? 443 : 80) : Number(port), tls, caPem };
}

/** Connects, by TLS where that is spoken there, and hangs up: nothing is sent. */
export async function reach(
  { host, port, tls, caPem }: Listener,
  signal: AbortSignal,
): Promise<'reached' | Unseen> {
  const event = tls ? 'secureConnect' : 'connect';
  const socket = tls
    ? connectTls({
        ...{ host, port },
        // An address is none of the names that may be asked for (RFC 6066 §3).
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(caPem === null ? {} : { ca: caPem }),
      })
    : connect({ host, port });
  const stop = (): void => void socket.destroy(new Error('not in time'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
    });
    return 'reached';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return new Unseen(
      `${host}:${port} does not take ${tls ? 'TLS ' : ''}connections${code}`,
      'check its address and certificate, and the network policy on the way there',
    );
  } finally {
    signal.removeEventListener('abort', stop);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
