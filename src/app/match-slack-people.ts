import type { Person } from '../domain/person.js';
import { namesOf, sameAccount } from '../domain/person.js';
import type { SlackUser } from '../domain/slack-user.js';
import type { Clock } from './ports/clock.js';
import type { People } from './ports/people.js';
import type { SlackApi } from './ports/slack.api.js';
import { isSlackRefusal } from './ports/slack.api.js';
import { SlackPeople } from './ports/slack.people.js';
import { away } from './send-post.js';

const KNOWN_MS = 600_000;
const KNOWN_MAX = 10_000;
/** More are not looked for in one go: each is a call to Slack. */
const NAMED_MAX = 20;

/** Besides accounts that are tied, those that speak for the one person who has their e-mail. */
export class MatchSlackPeople extends SlackPeople {
  private readonly known = new Map<string, { readonly user: string | undefined; endMs: number }>();

  constructor(
    private readonly deps: {
      readonly tied: SlackPeople;
      readonly people: Pick<People, 'latest' | 'named'>;
      readonly api: Pick<SlackApi, 'userByEmail'>;
      /** For whom an account speaks; undefined where for nobody. */
      readonly speaksFor: (user: SlackUser) => Promise<Person | undefined>;
      readonly clock: Clock;
    },
  ) {
    super();
  }

  override async userOf(account: Pick<Person, 'iss' | 'sub'>): Promise<string | undefined> {
    const user = await this.deps.tied.userOf(account);
    if (user !== undefined) return user;
    const [person] = await this.deps.people.latest([account]);
    return person && this.byEmail(person);
  }

  override async usersNamed(names: readonly string[]): Promise<readonly string[]> {
    const people = await this.deps.people.named(names);
    const named = people.filter((person) => namesOf(person).some((name) => names.includes(name)));
    const users = new Set(await this.deps.tied.usersNamed(names));
    for (const person of named.slice(0, NAMED_MAX)) {
      const user = (await this.deps.tied.userOf(person)) ?? (await this.byEmail(person));
      if (user !== undefined) users.add(user);
    }
    return [...users];
  }

  /** Throws where Slack cannot say now. */
  private async byEmail(person: Person): Promise<string | undefined> {
    if (person.email === undefined) return undefined;
    const nowMs = this.deps.clock.now().getTime();
    const key = JSON.stringify([person.iss, person.sub, person.email]);
    const known = this.known.get(key);
    if (known && known.endMs > nowMs) return known.user;
    const user = await this.asked(person, person.email);
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.set(key, { user, endMs: nowMs + KNOWN_MS });
    return user;
  }

  private async asked(person: Person, email: string): Promise<string | undefined> {
    const user = await this.deps.api.userByEmail(email);
    if (isSlackRefusal(user)) {
      if (user.refused === 'no') return undefined;
      throw away(user);
    }
    // The account decides whom it speaks for, not the person who has its e-mail.
    const owner = await this.deps.speaksFor(user);
    return owner && sameAccount(owner, person) ? user.userId : undefined;
  }
}
