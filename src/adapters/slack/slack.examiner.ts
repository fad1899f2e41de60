import { z } from 'zod';
import type { Secret } from '../../config/secret.js';
import { Unseen } from '../../domain/doctor/finding.js';
import type { SlackFacts } from '../../domain/doctor/service.verdicts.js';

const SLACK_URL = 'https://slack.com/api/';

const Answer = z.object({ ok: z.boolean(), error: z.string().max(100).optional() });
const Self = z.object({ team_id: z.string() });
const Info = z.object({ channel: z.object({ is_member: z.boolean().optional() }) });

/** That Slack said no, with its word for why. */
interface Refused {
  readonly refused: string;
}

/** Asks Slack about tokens and channels. Nothing is posted, and no socket is opened. */
export class SlackExaminer {
  /** @param url ends with `/`; Slack's own where left out. */
  constructor(private readonly url: string = SLACK_URL) {}

  async bot(token: Secret, signal: AbortSignal): Promise<SlackFacts | Refused | Unseen> {
    const answer = await this.call('auth.test', { token, signal });
    if (answer instanceof Unseen || 'refused' in answer) return answer;
    const self = Self.safeParse(answer.body);
    if (!self.success) return UNREADABLE;
    const scopes = answer.scopes?.split(',').map((scope) => scope.trim()) ?? null;
    return { teamId: self.data.team_id, scopes };
  }

  async channel(
    token: Secret,
    channel: string,
    signal: AbortSignal,
  ): Promise<{ readonly isMember: boolean } | Refused | Unseen> {
    const answer = await this.call('conversations.info', { token, signal, fields: { channel } });
    if (answer instanceof Unseen || 'refused' in answer) return answer;
    const info = Info.safeParse(answer.body);
    return info.success ? { isMember: info.data.channel.is_member === true } : UNREADABLE;
  }

  /** Whether a socket could be had: its address, which is secret, is thrown away unused and lapses by itself. */
  async app(token: Secret, signal: AbortSignal): Promise<'taken' | Refused | Unseen> {
    const answer = await this.call('apps.connections.open', { token, signal });
    return answer instanceof Unseen || 'refused' in answer ? answer : 'taken';
  }

  private async call(
    method: string,
    args: {
      readonly token: Secret;
      readonly signal: AbortSignal;
      readonly fields?: Readonly<Record<string, string>>;
    },
  ): Promise<{ readonly body: unknown; readonly scopes: string | null } | Refused | Unseen> {
    try {
      const response = await fetch(this.url + method, {
        method: 'POST',
        redirect: 'manual',
        signal: args.signal,
        headers: { authorization: `Bearer ${args.token.reveal()}` },
        body: new URLSearchParams(args.fields ?? {}),
      });
      if (response.status === 429) {
        await response.body?.cancel();
        return new Unseen('Slack asks to be left alone for a while', 'run it again in a minute');
      }
      const body: unknown = await response.json();
      const { ok, error = 'no reason given' } = Answer.parse(body);
      return ok ? { body, scopes: response.headers.get('x-oauth-scopes') } : { refused: error };
    } catch {
      // What is thrown may name what was sent.
      return new Unseen(
        `Slack does not answer ${method}`,
        'check the way to slack.com (proxies, network policies), and whether Slack is up',
      );
    }
  }
}

const UNREADABLE = new Unseen(
  'what answers for Slack is not Slack',
  'check slack.apiUrl, which is for sandboxes alone',
);
