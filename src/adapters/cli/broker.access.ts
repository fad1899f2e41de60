import { readFile } from 'node:fs/promises';
import { isSecureUrl, SECURE_URL_RULE } from '../../domain/secure-url.js';
import type { Account } from './account.store.js';
import { AccountStore } from './account.store.js';
import { BrokerClient } from './broker.client.js';
import type { ClientWorld } from './client.world.js';
import { refresh } from './code.flow.js';
import { CommandFailure, trouble } from './command.failure.js';
import { EXIT } from './exit.codes.js';

/** What every command of a client may be told about its broker. */
export interface AccessOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
}

/** A token that expires so soon is renewed before it is used. */
const RENEW_BEFORE_MS = 30_000;

/** A token, and when it expires where that is known. */
export interface KnownToken {
  readonly token: string;
  readonly expiresAtMs: number | undefined;
}

/** The broker that is meant, and a token for it. */
export class BrokerAccess {
  private constructor(
    readonly server: string,
    private readonly world: ClientWorld,
    private readonly store: AccountStore,
    private readonly tokenFile: string | undefined,
    /** The authorities, in PEM, that this broker is trusted by besides the usual ones. */
    readonly caPem: string | undefined,
  ) {}

  /** @throws CommandFailure where no broker is named anywhere. */
  static async of(world: ClientWorld, options: AccessOptions): Promise<BrokerAccess> {
    const store = new AccountStore(world.env.folder);
    const named = options.server ?? world.env.server ?? (await store.current());
    if (named === undefined) {
      throw new CommandFailure(
        EXIT.notSignedIn,
        'No broker is named: sign in with hallpass login --server URL, or set HALLPASS_SERVER.',
      );
    }
    const server = serverAddress(named);
    const caFile = options.caFile ?? (await store.find(server))?.caFile;
    const caPem = caFile === undefined ? undefined : await trustFile(world, caFile);
    return new BrokerAccess(server, world, store, options.tokenFile ?? world.env.tokenFile, caPem);
  }

  client(): BrokerClient {
    return new BrokerClient(
      this.server,
      async (fresh) => (await this.token(fresh)).token,
      this.world,
    );
  }

  /** @throws CommandFailure where there is none that holds. */
  async token(fresh = false): Promise<KnownToken> {
    if (this.tokenFile !== undefined) {
      const token = (await readText(this.tokenFile)).trim();
      return { token, expiresAtMs: expiryOf(token) };
    }
    const { token } = this.world.env;
    if (token) return { token: token.reveal(), expiresAtMs: expiryOf(token.reveal()) };
    const account = await this.store.find(this.server);
    if (!account) throw this.notSignedIn('You are not signed in');
    const good = await this.renewed(account, fresh);
    return { token: good.accessToken, expiresAtMs: good.expiresAtMs };
  }

  private async renewed(account: Account, fresh: boolean): Promise<Account> {
    if (!fresh && this.holds(account)) return account;
    return this.store.alone(this.server, async () => {
      // Another process may have been quicker.
      const now = (await this.store.find(this.server)) ?? account;
      if (now.accessToken !== account.accessToken && this.holds(now)) return now;
      if (now.refreshToken === undefined) throw this.notSignedIn('Your sign-in has expired');
      const tokens = await refresh(now, now.refreshToken);
      if (!tokens) throw this.notSignedIn('Your sign-in has expired');
      const { accessToken, expiresAtMs, refreshToken } = tokens;
      const next: Account = {
        ...now,
        accessToken,
        expiresAtMs,
        ...(refreshToken === undefined ? {} : { refreshToken }),
      };
      await this.store.update(next);
      return next;
    });
  }

  private holds({ expiresAtMs }: Account): boolean {
    return expiresAtMs - RENEW_BEFORE_MS > this.world.now().getTime();
  }

  private notSignedIn(what: string): CommandFailure {
    return new CommandFailure(
      EXIT.notSignedIn,
      `${what} to ${this.server}: sign in with hallpass login --server ${this.server}`,
    );
  }
}

/** The address as it is kept: without a slash at the end. @throws CommandFailure where it is none to send tokens to. */
export function serverAddress(text: string): string {
  if (!isSecureUrl(text)) throw trouble(`The broker's address ${SECURE_URL_RULE}: not ${text}.`);
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** Trusts what a file holds from now on, and gives it. @throws CommandFailure where it holds no certificate. */
export async function trustFile(world: ClientWorld, file: string): Promise<string> {
  const text = await readText(file);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw trouble(`${file} holds no certificate in PEM.`);
  }
  world.trust(text);
  return text;
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no file';
    throw trouble(`${file} cannot be read (${code}).`, error);
  });
}

/** When a JWT says that it expires (RFC 7519 §4.1.4). Whether that is true is the broker's to check. */
function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
