import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SignInUnderWay } from '../../../app/ports/browser.sign-in.js';
import { HttpSettings } from '../http.settings.js';

/** So long may somebody take to sign in. */
const SIGNING_IN_SECONDS = 600;

const UnderWay = z.strictObject({
  issuer: z.string().max(2048),
  state: z.string().max(128),
  nonce: z.string().max(128),
  verifier: z.string().max(128),
  next: z.string().max(512),
});

export type KeptUnderWay = SignInUnderWay & { readonly next: string };

type Name = 'session' | 'signing-in';

/**
 * The cookies of pages. Their prefix `__Host-` (RFC 6265bis §4.1.3.2) keeps other hosts and plain HTTP from setting them;
 * only on a machine of one's own, without HTTPS, there is none. Scripts never see them.
 */
export class Cookies {
  private readonly isSecure: boolean;

  constructor({ publicUrl, tls }: Pick<HttpSettings, 'publicUrl' | 'tls'>) {
    this.isSecure = tls !== undefined || publicUrl.startsWith('https:');
  }

  /** What the browser's cookie holds, where it has one. */
  key(request: FastifyRequest): string | undefined {
    return this.read(request, 'session');
  }

  keepKey(reply: FastifyReply, key: string, seconds: number): void {
    this.write(reply, 'session', key, seconds);
  }

  underWay(request: FastifyRequest): KeptUnderWay | undefined {
    const text = this.read(request, 'signing-in') ?? '';
    try {
      const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
      return UnderWay.safeParse(parsed).data;
    } catch {
      return undefined;
    }
  }

  keepUnderWay(reply: FastifyReply, underWay: KeptUnderWay): void {
    const text = Buffer.from(JSON.stringify(underWay)).toString('base64url');
    this.write(reply, 'signing-in', text, SIGNING_IN_SECONDS);
  }

  forget(reply: FastifyReply, name: Name): void {
    this.write(reply, name, '', 0);
  }

  private read(request: FastifyRequest, name: Name): string | undefined {
    const start = `${this.nameOf(name)}=`;
    const found = (request.headers.cookie ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(start));
    // Two of one name: one of them is not ours.
    return found.length === 1 ? found[0]?.slice(start.length) : undefined;
  }

  private write(reply: FastifyReply, name: Name, value: string, seconds: number): void {
    void reply.header(
      'set-cookie',
      `${this.nameOf(name)}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(seconds))}; HttpOnly; SameSite=Lax` +
        (this.isSecure ? '; Secure' : ''),
    );
  }

  private nameOf(name: Name): string {
    return `${this.isSecure ? '__Host-' : ''}hallpass-${name}`;
  }
}
