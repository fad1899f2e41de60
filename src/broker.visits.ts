import { OpenIdSignIn } from './adapters/oidc/browser.sign-in.js';
import { TokenVerifier } from './adapters/oidc/token.verifier.js';
import type { Database } from './adapters/prisma/database.js';
import { PrismaWebSessions } from './adapters/prisma/prisma-web.sessions.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import type { NotePerson } from './app/note-person.js';
import { VisitByBrowser } from './app/visit-by-browser.js';
import type { Config } from './config/config.schema.js';
import type { Humans } from './domain/humans.js';
import type { Identity } from './domain/person.js';

/** Accounts that the configuration says are some human's. */
export function accountsOf({ people }: Config['identity']): Required<Identity>[] {
  return people.flatMap(({ human, accounts }) =>
    accounts.map(({ issuer, subject }) => ({ iss: issuer, sub: subject, human })),
  );
}

/** People who sign in by a browser; null where no issuer has a client for that. */
export function visitsOf(
  { webClients, server, identity }: Config,
  parts: {
    readonly database: Database;
    readonly note: NotePerson;
    readonly clock: Clock;
    readonly journal: Journal;
    readonly humans: Humans;
  },
): VisitByBrowser | null {
  if (webClients.length === 0) return null;
  const { database, note, clock, journal, humans } = parts;
  const verifier = new TokenVerifier(identity, {
    clock,
    onFetchFailed: (issuer, cause) =>
      journal.warn({ issuer, err: cause }, 'the keys of an issuer cannot be had'),
  });
  const signIn = new OpenIdSignIn({
    clients: webClients.map(({ clientSecret, ...client }) => ({
      ...client,
      clientSecret: () => clientSecret?.reveal() ?? null,
    })),
    redirectUri: `${server.publicUrl}/sign-in/callback`,
    verifier,
  });
  const sessions = new PrismaWebSessions(database);
  return new VisitByBrowser({ signIn, sessions, note, clock, roleGroups: identity.roles, humans });
}
