import { freePort } from '../../sandbox/free.port.js';
import { RESOURCE } from '../../sandbox/identity/hallpass.api.js';
import { Humans } from '../../src/domain/humans.js';
import type { IdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { startIdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { SCOPES, WEB_CLIENT_ID } from '../../sandbox/identity/provider.configuration.js';
import { PageParts } from '../../src/adapters/http/pages/page.door.js';
import { OpenIdSignIn } from '../../src/adapters/oidc/browser.sign-in.js';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSlackLinks } from '../../src/adapters/prisma/prisma-slack.links.js';
import { PrismaWebSessions } from '../../src/adapters/prisma/prisma-web.sessions.js';
import { LinkSlack } from '../../src/app/link-slack.js';
import { NotePerson } from '../../src/app/note-person.js';
import { VisitByBrowser } from '../../src/app/visit-by-browser.js';
import type { PolicySet } from '../../src/domain/policy/policy.js';
import type { Api } from './http.api.js';
import { ROLE_GROUPS, startApi } from './http.api.js';
import { HandClock, MemoryJournal } from './in-memory.ports.js';
import type { Shown } from './page.browser.js';
import { PageBrowser } from './page.browser.js';
import type { TestDatabase } from './postgres.js';
import { freshDatabase } from './postgres.js';

/** The pages over real HTTP, browsers, and the sandbox's identity provider where they sign in. */
export class PagesLab {
  private constructor(
    private readonly fresh: TestDatabase,
    readonly database: Database,
    readonly identity: IdentityProvider,
    readonly clock: HandClock,
    readonly linkSlack: LinkSlack,
    readonly api: Api,
  ) {}

  static async start(
    over: { readonly set?: PolicySet; readonly traceLink?: (traceId: string) => string } = {},
  ): Promise<PagesLab> {
    const [fresh, identity] = await Promise.all([freshDatabase(), startIdentityProvider()]);
    const database = new Database({ url: fresh.serviceUrl, poolSize: 5 }, () => undefined);
    const port = await freePort(0);
    const publicUrl = `http://127.0.0.1:${port}`;
    const clock = new HandClock();
    const people = new PrismaPeople(database);
    const note = new NotePerson({ people, clock, journal: new MemoryJournal() });
    const roleGroups = ROLE_GROUPS;
    const claims = { user: 'sub', email: 'email', name: 'name', groups: 'groups' };
    const { issuer, audience } = identity;
    const verifier = new TokenVerifier({
      issuers: [{ issuer, audience, algorithms: ['RS256', 'PS256', 'ES256'], claims }],
      clockSkewSeconds: 30,
    });
    const client = { issuer, clientId: WEB_CLIENT_ID, clientSecret: () => null };
    const signIn = new OpenIdSignIn({
      clients: [{ ...client, scopes: SCOPES, resource: RESOURCE }],
      redirectUri: `${publicUrl}/sign-in/callback`,
      verifier,
    });
    const sessions = new PrismaWebSessions(database);
    const linkSlack = new LinkSlack({
      links: new PrismaSlackLinks(database),
      note,
      clock,
      roleGroups,
      humans: new Humans([]),
      rules: { teamId: 'T0HALLPASS', signInMaxAgeSeconds: 3600, matchEmail: false },
    });
    const visits = new VisitByBrowser({
      signIn,
      sessions,
      note,
      clock,
      roleGroups,
      humans: new Humans([]),
    });
    const { traceLink, ...others } = over;
    const api = await startApi({
      port,
      settings: { publicUrl, ...(traceLink ? { traceLink } : {}) },
      deps: { pages: new PageParts(visits, linkSlack) },
      ...others,
    });
    return new PagesLab(fresh, database, identity, clock, linkSlack, api);
  }

  /** Opens a page, and signs in on the way. */
  async open(
    browser: PageBrowser,
    path: string,
    sub: string = PEOPLE.approver.sub,
  ): Promise<Shown> {
    const choice = await browser.get(`${this.api.url}${path}`);
    if (!choice.url.startsWith(this.identity.issuer)) throw new Error(`came to ${choice.url}`);
    return browser.post(choice.url, { sub });
  }

  async close(): Promise<void> {
    await this.api.close();
    await Promise.all([this.database.close(), this.identity.close()]);
    await this.fresh.drop();
  }
}
