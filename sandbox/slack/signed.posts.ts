import { createHmac } from 'node:crypto';

export interface PostAnswer {
  readonly status: number;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

/** What of a post is not as Slack would make it. */
export interface OtherThanSlack {
  readonly at?: Date;
  readonly secret?: string;
  /** What is signed, where it is not what is sent. */
  readonly signed?: string;
  /** Sent again, for the so-manieth time. */
  readonly retry?: number;
}

/** What a workspace posts to the app over HTTP, signed as Slack signs it. */
export class SignedPosts {
  private readonly url: string;

  /** @param brokerUrl where the broker's API answers. */
  constructor(
    brokerUrl: string,
    private readonly secret: string,
  ) {
    this.url = `${brokerUrl}/slack/events`;
  }

  /** A command that `user` typed. */
  async command(user: string, sent: { readonly text: string; readonly trigger: string }) {
    return this.post(commandBody(user, sent));
  }

  /** What `user` did in a message or a form. */
  async interaction(user: string, trigger: string, payload: object) {
    return this.post(interactionBody(user, trigger, payload));
  }

  async post(body: string, other: OtherThanSlack = {}): Promise<PostAnswer> {
    const { at = new Date(), secret = this.secret, signed = body, retry } = other;
    const timestamp = String(Math.floor(at.getTime() / 1000));
    const hmac = createHmac('sha256', secret).update(`v0:${timestamp}:${signed}`);
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${hmac.digest('hex')}`,
        ...(retry === undefined ? {} : { 'x-slack-retry-num': `${retry}` }),
      },
      body,
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text };
  }
}

export function commandBody(
  user: string,
  { text, trigger }: { readonly text: string; readonly trigger: string },
): string {
  const sent = { command: '/debug', user_id: user, team_id: 'T1', trigger_id: trigger, text };
  return new URLSearchParams(sent).toString();
}

export function interactionBody(user: string, trigger: string, payload: object): string {
  const full = { trigger_id: trigger, team: { id: 'T1' }, user: { id: user }, ...payload };
  return new URLSearchParams({ payload: JSON.stringify(full) }).toString();
}
