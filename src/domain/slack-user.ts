import { createHash, randomBytes } from 'node:crypto';
import type { Problem } from './problem.js';
import { problem } from './problem.js';

/** An account in a workspace of Slack's: both ids together, for users are numbered anew in each team. */
export interface SlackAccount {
  readonly teamId: string;
  readonly userId: string;
}

/** What Slack says of an account (`users.info`). */
export interface SlackUser extends SlackAccount {
  /** What people see. Written by its owner: it decides nothing. */
  readonly name: string;
  readonly email?: string;
  readonly isEmailConfirmed: boolean;
  readonly isDeleted: boolean;
  readonly isBot: boolean;
  /** Guests of many channels or of one. */
  readonly isGuest: boolean;
  /** Of another organisation, by a shared channel. */
  readonly isStranger: boolean;
}

/** Slack's own bot, which `is_bot` does not say of itself. */
const SLACKBOT = 'USLACKBOT';

/** In this order: the first that is so is told. */
const NOT_SERVED: readonly (readonly [(user: SlackUser) => boolean, string])[] = [
  [(user) => user.isDeleted, 'This Slack account is deactivated.'],
  [(user) => user.isBot || user.userId === SLACKBOT, 'Bots and workflows cannot use Hallpass.'],
  [(user) => user.isStranger, 'Only members of this workspace can use Hallpass from Slack.'],
  [(user) => user.isGuest, 'Guests of this workspace cannot use Hallpass from Slack.'],
];

/** Why somebody is not served from Slack, whoever they are tied to: `slack-account-refused`. */
export function whyNotServed(user: SlackUser, teamId: string): Problem | undefined {
  if (user.teamId !== teamId) {
    return problem(
      'slack-account-refused',
      'Only members of the workspace that Hallpass was installed for can use it from Slack.',
    );
  }
  const found = NOT_SERVED.find(([isSo]) => isSo(user));
  return found && problem('slack-account-refused', found[1]);
}

/** How long a link that was offered may be opened. */
export const LINK_CODE_SECONDS = 600;

const BYTES = 32;
const CODE = /^[A-Za-z0-9_-]{43}$/;

/** What stands in the link that a Slack account is offered: 256 random bits as base64url (RFC 4648 §5). */
export function newLinkCode(): string {
  return randomBytes(BYTES).toString('base64url');
}

export function isLinkCode(text: string): boolean {
  return CODE.test(text);
}

/** The SHA-256 (hex) of a code: all of it that is ever stored. */
export function linkCodeDigest(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
