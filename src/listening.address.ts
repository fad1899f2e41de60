import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** An address that cannot be listened on, for a reason that an operator can mend. */
export class Unheard {
  constructor(private readonly why: string) {}

  refusal(key: string, port: number): { readonly refused: string } {
    return { refused: `${key}: port ${port} ${this.why}.` };
  }
}

/** What the operating system says where an address is not to be had (listen(2), bind(2)). */
const NO_ADDRESS = new Map([
  ['EADDRINUSE', 'is taken by another program'],
  ['EACCES', 'needs rights that this program does not have'],
  ['EADDRNOTAVAIL', 'is on an address that this machine does not have (server.host)'],
]);

/** Tells such an address from a bug, which is thrown on. */
export function unheard(error: unknown): Unheard {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = NO_ADDRESS.get(code);
  if (why === undefined) throw error;
  return new Unheard(why);
}

/** An address that answers here, for one to listen on that may mean all of them. */
export function localAddress(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** The port that the API listens on. */
export function portOf(app: NestFastifyApplication): number {
  const address = app.getHttpServer().address();
  if (address === null || typeof address === 'string') throw new Error('the API has no port');
  return address.port;
}
