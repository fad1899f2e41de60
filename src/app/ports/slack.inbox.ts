/** A request to the address that Slack posts to, as it came. */
export interface SlackRequest {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** What the log and the audit log call it. */
  readonly requestId: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What to answer: `body` as JSON; null: nothing. */
export interface SlackAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Takes what Slack posts over HTTP. It alone decides whether a request is Slack's. */
export abstract class SlackInbox {
  abstract take(request: SlackRequest): Promise<SlackAnswer>;
}
