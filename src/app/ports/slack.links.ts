import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Identity, Person } from '../../domain/person.js';
import type { SlackAccount } from '../../domain/slack-user.js';

/** A Slack account that speaks for somebody. */
export interface SlackLink extends SlackAccount {
  readonly id: string;
  /** What the account was called when it was tied. */
  readonly name: string;
  readonly linkedAt: Date;
}

/** Somebody, as their newest token says, and when that was issued. */
export interface KnownSince {
  readonly person: Person;
  readonly issuedAt: Date;
}

type Account = Pick<Identity, 'iss' | 'sub'>;

/** Which Slack account is whose. The time of codes is the store's own. */
export abstract class SlackLinks {
  /** Keeps a code for so long, in place of the account's earlier one, and forgets those that have expired. */
  abstract offer(code: {
    readonly account: SlackAccount;
    readonly name: string;
    readonly digest: string;
    readonly seconds: number;
  }): Promise<Date>;
  /** Whom a code was offered to, while it holds; it goes on holding. */
  abstract offered(digest: string): Promise<(SlackAccount & { readonly name: string }) | undefined>;
  /**
   * Takes a code away and ties its account, with the audit event, or does nothing: of those who bring one code at once
   * one is served.
   *
   * @param accountsMax so many Slack accounts may be one identity's.
   * @returns `code` where it holds no more or is another account's, `tied` where its account speaks for somebody
   * already, `many` where the identity has too many.
   */
  abstract tie(link: {
    readonly digest: string;
    readonly link: SlackLink;
    readonly identity: Account;
    readonly audit: AuditEntry;
    readonly accountsMax: number;
  }): Promise<'done' | 'code' | 'tied' | 'many'>;
  /** @returns whether the identity had that link, and it has ended now, with the audit event. */
  abstract untie(end: {
    readonly id: string;
    readonly identity: Account;
    readonly at: Date;
    readonly audit: AuditEntry;
  }): Promise<boolean>;
  /** Those that hold, the oldest first. */
  abstract of(identity: Account): Promise<SlackLink[]>;
  /** For whom a Slack account speaks. `parted`: for nobody, but it did once. */
  abstract find(account: SlackAccount): Promise<KnownSince | 'parted' | undefined>;
  /** People with that e-mail, in any case of letters: two at most, which is one too many. */
  abstract byEmail(email: string): Promise<KnownSince[]>;
}
