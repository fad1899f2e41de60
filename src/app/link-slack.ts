import { randomUUID } from 'node:crypto';
import { auditEntry } from '../domain/audit/entry.js';
import type { Person } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { SlackAccount, SlackUser } from '../domain/slack-user.js';
import {
  isLinkCode,
  LINK_CODE_SECONDS,
  linkCodeDigest,
  newLinkCode,
  whyNotServed,
} from '../domain/slack-user.js';
import { plainText } from '../domain/text.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { CallerRules } from './kept-caller.js';
import { keptCaller } from './kept-caller.js';
import { NotePerson } from './note-person.js';
import { Clock } from './ports/clock.js';
import type { KnownSince, SlackLink } from './ports/slack.links.js';
import { SlackLinks } from './ports/slack.links.js';

/** So many Slack accounts of one workspace may be one identity's. */
const ACCOUNTS_MAX = 5;

export interface SlackRules {
  /** The one workspace whose members are served. */
  readonly teamId: string;
  /** How old the newest token of somebody may be who acts from Slack. */
  readonly signInMaxAgeSeconds: number;
  /** Whether an account that was never tied speaks for the one person who has its e-mail. */
  readonly matchEmail: boolean;
}

/** A link that was offered to a Slack account, for it alone to open. */
export interface OfferedLink {
  /** The path under the broker's address. The only copy of its code. */
  readonly path: string;
  readonly expiresAt: Date;
}

/** Who a Slack account is: a one-time link through sign-in ties it, and nothing that Slack says of it but its ids. */
export class LinkSlack {
  constructor(
    private readonly deps: {
      readonly links: SlackLinks;
      readonly note: NotePerson;
      readonly clock: Clock;
      readonly rules: SlackRules;
    } & CallerRules,
  ) {}

  /**
   * The person for whom a Slack account speaks, with the groups of their newest token, and as who signed in by nothing
   * (no context class, no methods): Slack is weaker than signing in.
   *
   * @param user as Slack itself says, never as the request does.
   * @param requestId what the audit log is to call the request.
   * @returns `slack-account-refused` for bots, guests, deactivated accounts and other teams; `slack-not-linked` where it
   * speaks for nobody: offer a link; `sign-in-too-old` where its person has not signed in for long: signing in helps.
   */
  async callerOf(user: SlackUser, requestId?: string): Promise<Caller | Problem> {
    const { clock, rules } = this.deps;
    const refusal = whyNotServed(user, rules.teamId);
    if (refusal) return refusal;
    const known = await this.known(user);
    if (isProblem(known)) return known;
    const ageSeconds = (clock.now().getTime() - known.issuedAt.getTime()) / 1000;
    if (ageSeconds > rules.signInMaxAgeSeconds) {
      return problem(
        'sign-in-too-old',
        `You signed in to Hallpass more than ${hours(rules.signInMaxAgeSeconds)} ago: sign in again, then come back.`,
      );
    }
    const { teamId, userId } = user;
    const request = requestId === undefined ? {} : { requestId };
    const how = { signIn: {}, channel: 'slack', slack: { teamId, userId }, ...request } as const;
    return keptCaller(known.person, how, this.deps);
  }

  /** The person for whom a Slack account speaks, however long ago they signed in; undefined where for nobody. */
  async speaksFor(user: SlackUser): Promise<Person | undefined> {
    if (whyNotServed(user, this.deps.rules.teamId)) return undefined;
    const known = await this.known(user);
    return isProblem(known) ? undefined : known.person;
  }

  /**
   * A link for a Slack account, in place of an earlier one, for ten minutes. Show it to that account and nobody else.
   *
   * @returns `slack-account-refused` for whom {@link callerOf} does not serve either.
   */
  async offer(user: SlackUser): Promise<OfferedLink | Problem> {
    const refusal = whyNotServed(user, this.deps.rules.teamId);
    if (refusal) return refusal;
    const code = newLinkCode();
    const expiresAt = await this.deps.links.offer({
      account: { teamId: user.teamId, userId: user.userId },
      name: plainText(user.name, 200),
      digest: linkCodeDigest(code),
      seconds: LINK_CODE_SECONDS,
    });
    // In the query, which is not in the log of requests.
    return { path: `/link/slack?code=${code}`, expiresAt };
  }

  /** Whom a code would tie, for the person to see before they agree; `invalid-link-code` where none. */
  async offered(code: string): Promise<(SlackAccount & { readonly name: string }) | Problem> {
    const found = isLinkCode(code)
      ? await this.deps.links.offered(linkCodeDigest(code))
      : undefined;
    return found?.teamId === this.deps.rules.teamId ? found : noCode();
  }

  /**
   * Ties the Slack account that the code was offered to.
   *
   * @returns the link; `invalid-link-code` for one that is wrong, used or expired, `already-linked` where the account
   * speaks for somebody, or the caller has too many.
   */
  async redeem(caller: Caller, code: string): Promise<SlackLink | Problem> {
    const { links, note, clock } = this.deps;
    const found = await this.offered(code);
    if (isProblem(found)) return found;
    // What the account speaks for is what is known of its person: that is kept first.
    await note.note(caller);
    const { teamId, userId, name } = found;
    const link: SlackLink = { id: randomUUID(), teamId, userId, name, linkedAt: clock.now() };
    const outcome = await links.tie({
      digest: linkCodeDigest(code),
      link,
      identity: personOf(caller),
      audit: auditEntry({
        at: link.linkedAt,
        action: 'slack.linked',
        outcome: 'success',
        actor: caller.actor,
        data: { link: link.id, team: teamId, user: userId, name },
      }),
      accountsMax: ACCOUNTS_MAX,
    });
    switch (outcome) {
      case 'done':
        return link;
      case 'code':
        return noCode();
      case 'tied':
        return problem(
          'already-linked',
          'This Slack account speaks for somebody already. Who it speaks for can end that first.',
        );
      case 'many':
        return problem(
          'already-linked',
          `${ACCOUNTS_MAX} Slack accounts are yours already: end the link of one first.`,
        );
    }
  }

  /** The Slack accounts that are the caller's. */
  async list(caller: Caller): Promise<SlackLink[]> {
    return this.deps.links.of(personOf(caller));
  }

  /** Ends a link of the caller's, at once. @returns `not-found` where they have none like it. */
  async unlink(caller: Caller, id: string): Promise<SlackLink | Problem> {
    const { links, clock } = this.deps;
    const identity = personOf(caller);
    const link = (await links.of(identity)).find((it) => it.id === id);
    if (!link) return noLink();
    const at = new Date(Math.max(clock.now().getTime(), link.linkedAt.getTime()));
    const data = { link: id, team: link.teamId, user: link.userId, name: link.name };
    const { actor } = caller;
    const audit = auditEntry({ at, action: 'slack.unlinked', outcome: 'success', actor, data });
    return (await links.untie({ id, identity, at, audit })) ? link : noLink();
  }

  private async known(user: SlackUser): Promise<KnownSince | Problem> {
    const found = await this.deps.links.find(user);
    if (found !== undefined && found !== 'parted') return found;
    // Who ended a link does not want the account to speak for them, whatever e-mail it has.
    const { email, isEmailConfirmed } = user;
    if (found === 'parted' || !this.deps.rules.matchEmail || !isEmailConfirmed || !email) {
      return notLinked();
    }
    const [one, another] = await this.deps.links.byEmail(email);
    return one === undefined || another !== undefined ? notLinked() : one;
  }
}

function notLinked(): Problem {
  return problem(
    'slack-not-linked',
    'Hallpass does not know who you are: open the link that it offers you and sign in, once.',
  );
}

function noCode(): Problem {
  return problem(
    'invalid-link-code',
    'The link is wrong, was used, was followed by a newer one, or is older than ten minutes: ask for another in Slack.',
  );
}

function noLink(): Problem {
  return problem('not-found', 'No Slack account of yours is tied by that id.');
}

function hours(seconds: number): string {
  return seconds % 3600 === 0 && seconds >= 7200
    ? `${seconds / 3600} hours`
    : `${Math.ceil(seconds / 60)} minutes`;
}
