import { rolesOf } from '../domain/permission.js';
import type { Problem } from '../domain/problem.js';
import { isProblem } from '../domain/problem.js';
import {
  isWebKey,
  newWebKey,
  WEB_SESSION_SECONDS_MAX,
  webKeyDigest,
} from '../domain/web-session.js';
import type { Caller } from './caller.js';
import type { CallerRules } from './kept-caller.js';
import { keptCaller } from './kept-caller.js';
import { NotePerson } from './note-person.js';
import type { SignInUnderWay, SignInWish } from './ports/browser.sign-in.js';
import { BrowserSignIn } from './ports/browser.sign-in.js';
import { Clock } from './ports/clock.js';
import { WebSessions } from './ports/web.sessions.js';

/** People who come by a browser, for the pages that are served here. */
export class VisitByBrowser {
  constructor(
    private readonly deps: {
      readonly signIn: BrowserSignIn;
      readonly sessions: WebSessions;
      readonly note: NotePerson;
      readonly clock: Clock;
    } & CallerRules,
  ) {}

  get issuers(): readonly string[] {
    return this.deps.signIn.issuers;
  }

  begin(issuer: string, wish?: SignInWish): ReturnType<BrowserSignIn['begin']> {
    return this.deps.signIn.begin(issuer, wish);
  }

  /** @returns the key that the browser's cookie is to hold, the only copy; refusals as of {@link BrowserSignIn}. */
  async finish(
    underWay: SignInUnderWay,
    query: string,
  ): Promise<{ readonly key: string; readonly expiresAt: Date } | Problem> {
    const { signIn, sessions, note, clock, roleGroups } = this.deps;
    const principal = await signIn.finish(underWay, query);
    if (isProblem(principal)) return principal;
    const { person } = principal;
    const actor = { kind: 'person', person, signIn: principal.signIn, channel: 'console' } as const;
    await note.note({ actor, roles: rolesOf(person, roleGroups) });
    const longest = clock.now().getTime() + WEB_SESSION_SECONDS_MAX * 1000;
    const expiresAt = new Date(Math.min(principal.expiresAt.getTime(), longest));
    const key = newWebKey();
    await sessions.add(webKeyDigest(key), { person, signIn: principal.signIn }, expiresAt);
    return { key, expiresAt };
  }

  /** Who the browser with that key is signed in as; `undefined` where it is not, or not any more. */
  async callerOf(
    key: string,
    from: { readonly requestId: string; readonly address?: string },
  ): Promise<Caller | undefined> {
    if (!isWebKey(key)) return undefined;
    const { sessions, clock } = this.deps;
    const visitor = await sessions.find(webKeyDigest(key), clock.now());
    if (!visitor) return undefined;
    const { person, signIn } = visitor;
    return keptCaller(person, { signIn, channel: 'console', ...from }, this.deps);
  }

  /** Signs the browser out, here; at its issuer it stays signed in. */
  async leave(key: string): Promise<void> {
    if (isWebKey(key)) await this.deps.sessions.end(webKeyDigest(key));
  }
}
