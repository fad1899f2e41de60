import { createHash, randomBytes } from 'node:crypto';
import { key } from './kube.object.js';
import type { ObjectStore } from './object.store.js';
import { type Refusal, unauthorized } from './status.objects.js';

export interface User {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

interface Grant {
  user: User;
  expiresAt: number;
  /** The service account the token was made for; the token dies with it. */
  account?: { namespace: string; name: string; uid: string };
}

/** Bearer tokens. Only their SHA-256 is kept, and nothing here ever prints one. */
export class Authenticator {
  readonly #grants = new Map<string, Grant>();

  constructor(
    private readonly store: ObjectStore,
    private readonly now: () => Date,
  ) {}

  /** A token for somebody who is not a service account, valid as long as the cluster. */
  issueForUser(user: User, token?: string): string {
    return this.#issue(
      { user: { ...user, groups: [...user.groups, 'system:authenticated'] }, expiresAt: Infinity },
      token,
    );
  }

  /** A token for an existing service account; `undefined` when there is none of that name. */
  issueForServiceAccount(
    namespace: string,
    name: string,
    ttlSeconds: number,
  ): { token: string; expiresAt: Date } | undefined {
    const account = this.store.get('serviceaccounts', namespace, name);
    if (account === undefined) return undefined;
    const expiresAt = new Date(this.now().getTime() + ttlSeconds * 1000);
    const token = this.#issue({
      user: {
        name: `system:serviceaccount:${namespace}:${name}`,
        uid: account.metadata.uid,
        groups: [
          'system:serviceaccounts',
          `system:serviceaccounts:${namespace}`,
          'system:authenticated',
        ],
      },
      expiresAt: expiresAt.getTime(),
      account: { namespace, name, uid: account.metadata.uid },
    });
    return { token, expiresAt };
  }

  /** Who an `Authorization` header speaks for. No header is anonymous; a header that is not known is 401. */
  authenticate(header: string | undefined): User | Refusal {
    if (header === undefined || header === '') return anonymous;
    const match = /^bearer +(\S+)$/i.exec(header.trim());
    const grant = match?.[1] === undefined ? undefined : this.#grants.get(digest(match[1]));
    if (grant === undefined || grant.expiresAt <= this.now().getTime()) return unauthorized();
    if (grant.account !== undefined) {
      const { namespace, name, uid } = grant.account;
      if (this.store.get('serviceaccounts', namespace, name)?.metadata.uid !== uid) {
        return unauthorized();
      }
    }
    return grant.user;
  }

  /** Makes every token of a service account invalid, as deleting its secret would. */
  revokeServiceAccount(namespace: string, name: string): void {
    for (const [hash, { account }] of this.#grants) {
      if (account && key(account.namespace, account.name) === key(namespace, name)) {
        this.#grants.delete(hash);
      }
    }
  }

  #issue(grant: Grant, token = randomBytes(32).toString('base64url')): string {
    this.#grants.set(digest(token), grant);
    return token;
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
