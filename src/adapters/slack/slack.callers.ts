import type { Caller } from '../../app/caller.js';
import { inTrace } from '../../app/caller.js';
import type { LinkSlack } from '../../app/link-slack.js';
import type { Clock } from '../../app/ports/clock.js';
import type { SlackApi } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import type { Tracer } from '../../app/ports/tracer.js';
import type { Permission } from '../../domain/permission.js';
import { permits } from '../../domain/permission.js';
import { isProblem } from '../../domain/problem.js';
import type { SlackUser } from '../../domain/slack-user.js';
import { FewTimes } from './few.times.js';
import { escaped } from './slack.text.js';

/** Why somebody is not served, as mrkdwn for them alone: it may hold the link that ties them. */
export interface NotServed {
  readonly why: string;
}

export function isNotServed(caller: Caller | NotServed): caller is NotServed {
  return 'why' in caller;
}

/** Asking who somebody is, is Slack's to allow, some hundred times a minute for all: nobody uses that up alone. */
const ACTS_PER_MINUTE = 30;
const SEARCHES_PER_MINUTE = 120;
/** For as long what Slack said of somebody is good for searching, which decides nothing. */
const SAID_MS = 30_000;
const SAID_MAX = 1_000;

/** By whom something was sent, and what the audit log is to call it. */
export interface SentBy {
  readonly userId: string;
  readonly requestId?: string | undefined;
}

/** Who pressed, wrote or chose something in Slack. */
export class SlackCallers {
  private readonly acts = new FewTimes(ACTS_PER_MINUTE);
  private readonly searches = new FewTimes(SEARCHES_PER_MINUTE);
  private readonly said = new Map<string, { readonly at: number; readonly user: SlackUser }>();

  constructor(
    private readonly deps: {
      readonly api: Pick<SlackApi, 'userInfo'>;
      readonly people: Pick<LinkSlack, 'callerOf' | 'offer'>;
      readonly clock: Clock;
      /** The broker's address, without a slash at its end. */
      readonly publicUrl: string;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
    },
  ) {}

  /** Slack itself is asked each time: who was deactivated a minute ago is not served. */
  async of({ userId, requestId }: SentBy, needed: Permission): Promise<Caller | NotServed> {
    const { api, people, clock, publicUrl, tracer } = this.deps;
    if (!this.acts.mayAt(clock.now(), userId)) {
      return { why: 'That was more than Hallpass does for one person in a minute. Wait a little.' };
    }
    const user = await api.userInfo(userId);
    if (isSlackRefusal(user)) {
      return { why: 'Slack does not say who you are at the moment. Try again soon.' };
    }
    const caller = await people.callerOf(user, requestId);
    if (!isProblem(caller)) {
      return permits(caller.roles, needed)
        ? inTrace(caller, tracer?.traceparent)
        : { why: 'Your roles do not allow this.' };
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

  /**
   * Who searches, by what Slack said of them up to half a minute ago: for what is offered as they type, never for what
   * they do. Undefined where they are not served.
   */
  async searching({ userId, requestId }: SentBy, needed: Permission): Promise<Caller | undefined> {
    if (!this.searches.mayAt(this.deps.clock.now(), userId)) return undefined;
    const user = await this.lately(userId);
    if (!user) return undefined;
    const caller = await this.deps.people.callerOf(user, requestId);
    return isProblem(caller) || !permits(caller.roles, needed) ? undefined : caller;
  }

  private async lately(userId: string): Promise<SlackUser | undefined> {
    const now = this.deps.clock.now().getTime();
    const known = this.said.get(userId);
    if (known && Math.abs(now - known.at) < SAID_MS) return known.user;
    const user = await this.deps.api.userInfo(userId);
    if (isSlackRefusal(user)) return undefined;
    this.said.delete(userId);
    this.said.set(userId, { at: now, user });
    const [oldest] = this.said.keys();
    if (this.said.size > SAID_MAX && oldest !== undefined) this.said.delete(oldest);
    return user;
  }
}
