import type { Caller } from '../../app/caller.js';
import type { LinkSlack } from '../../app/link-slack.js';
import type { SlackApi } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import type { Permission } from '../../domain/permission.js';
import { permits } from '../../domain/permission.js';
import { isProblem } from '../../domain/problem.js';
import { escaped } from './slack.text.js';

/** Why somebody is not served, as mrkdwn for them alone: it may hold the link that ties them. */
export interface NotServed {
  readonly why: string;
}

export function isNotServed(caller: Caller | NotServed): caller is NotServed {
  return 'why' in caller;
}

/** Who pressed, wrote or chose something in Slack. */
export class SlackCallers {
  constructor(
    private readonly deps: {
      readonly api: Pick<SlackApi, 'userInfo'>;
      readonly people: Pick<LinkSlack, 'callerOf' | 'offer'>;
      /** The broker's address, without a slash at its end. */
      readonly publicUrl: string;
    },
  ) {}

  /** Slack itself is asked each time: who was deactivated a minute ago is not served. */
  async of(userId: string, needed: Permission): Promise<Caller | NotServed> {
    const { api, people, publicUrl } = this.deps;
    const user = await api.userInfo(userId);
    if (isSlackRefusal(user)) {
      return { why: 'Slack does not say who you are at the moment. Try again soon.' };
    }
    const caller = await people.callerOf(user);
    if (!isProblem(caller)) {
      return permits(caller.roles, needed) ? caller : { why: 'Your roles do not allow this.' };
    }
    const why = escaped(caller.detail, 1_000);
    if (caller.problem === 'sign-in-too-old') {
      return { why: `${why}\n<${publicUrl}/sign-in|Sign in>` };
    }
    if (caller.problem !== 'slack-not-linked') return { why };
    const offered = await people.offer(user);
    if (isProblem(offered)) return { why: escaped(offered.detail, 1_000) };
    return { why: `${why}\n<${publicUrl}${offered.path}|Tie this account to you>` };
  }
}
