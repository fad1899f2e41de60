import { EventSourceParserStream } from 'eventsource-parser/stream';
import { Agent, fetch } from 'undici';
import type { Dispatcher, Headers } from 'undici';
import { AuditPage, type AuditEventView } from '../../src/contract/audit.schema.js';
import {
  type NewSession,
  SessionDetails,
  SessionStepView,
  type SessionView,
} from '../../src/contract/session.schema.js';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

/** An answer that was not hoped for; its message is what the broker said. */
export class ApiRefusal extends Error {
  constructor(readonly answer: ApiAnswer) {
    super(`${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}

/** The API as one person uses it. */
export class ApiClient {
  private readonly trust: { readonly dispatcher?: Dispatcher };

  /** @param caPem the authority of the broker's certificate, where no system knows it. */
  constructor(
    readonly url: string,
    /** The access token that it shows. */
    readonly bearer: string,
    caPem?: string,
  ) {
    this.trust = caPem === undefined ? {} : { dispatcher: new Agent({ connect: { ca: caPem } }) };
  }

  /** Any call. Follows nothing, throws for nothing that the broker says, waits 30 seconds at most. */
  async call(
    method: 'GET' | 'POST',
    path: string,
    args: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<ApiAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.bearer}`,
        ...(args.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...args.headers,
      },
      ...(args.body === undefined ? {} : { body: JSON.stringify(args.body) }),
      signal: AbortSignal.timeout(30_000),
      ...this.trust,
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  }

  /** @throws ApiRefusal unless the session was taken (201, or 200 for one asked for before). */
  async ask(body: NewSession, headers: Record<string, string> = {}): Promise<SessionDetails> {
    return details(await this.call('POST', '/v1/sessions', { body, headers }));
  }

  /** @throws ApiRefusal */
  async session(id: string): Promise<SessionDetails> {
    return details(await this.call('GET', `/v1/sessions/${id}`));
  }

  /** Decides about the session as it was seen. @throws ApiRefusal */
  async decide(
    seen: Pick<SessionView, 'id' | 'version'>,
    verdict: 'approve' | 'deny' | 'retract',
    comment?: string,
  ): Promise<SessionDetails> {
    return details(
      await this.call('POST', `/v1/sessions/${seen.id}/decisions`, {
        body: { verdict, ...(comment === undefined ? {} : { comment }) },
        headers: { 'if-match': `"${seen.version}"` },
      }),
    );
  }

  /** @throws ApiRefusal */
  async act(
    id: string,
    action: 'start' | 'extend' | 'end' | 'revoke',
    body: object = {},
  ): Promise<SessionDetails> {
    return details(await this.call('POST', `/v1/sessions/${id}/${action}`, { body }));
  }

  /** The steps of a session, past and coming, to its end. Comes back by itself where the stream breaks. */
  async *steps(id: string, signal?: AbortSignal): AsyncGenerator<SessionStepView> {
    let seen = 0;
    while (signal?.aborted !== true) {
      const response = await fetch(`${this.url}/v1/sessions/${id}/events`, {
        headers: {
          authorization: `Bearer ${this.bearer}`,
          ...(seen === 0 ? {} : { 'last-event-id': `${seen}` }),
        },
        ...(signal ? { signal } : {}),
        ...this.trust,
      });
      if (!response.ok || !response.body) {
        const { status, headers } = response;
        throw new ApiRefusal({ status, headers, body: await response.text() });
      }
      const events = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      for await (const { event, data } of events) {
        if (event === 'step') {
          const step = SessionStepView.parse(JSON.parse(data));
          seen = step.seq;
          yield step;
        } else if (event === 'close' && data.includes('"final"')) return;
      }
    }
  }

  /** The session once it is in one of these states. @throws Error where it ends before, or after `timeoutMs`. */
  async until(
    id: string,
    states: readonly SessionView['state'][],
    timeoutMs = 30_000,
  ): Promise<SessionDetails> {
    const steps: string[] = [];
    try {
      for await (const { event, to } of this.steps(id, AbortSignal.timeout(timeoutMs))) {
        steps.push(event);
        if (states.includes(to)) return await this.session(id);
      }
    } catch (error) {
      if (error instanceof ApiRefusal) throw error;
    }
    const { state, endDetail } = await this.session(id);
    throw new Error(`${id} is ${state} (${steps.join(', ')}), ${endDetail ?? 'no end told'}`);
  }

  /** The newest audit events of a session, oldest first. @throws ApiRefusal */
  async audit(id: string): Promise<AuditEventView[]> {
    const answer = await this.call('GET', `/v1/audit/events?session=${id}&limit=100`);
    if (answer.status !== 200) throw new ApiRefusal(answer);
    return AuditPage.parse(answer.body).items.toReversed();
  }
}

function details(answer: ApiAnswer): SessionDetails {
  if (answer.status >= 300) throw new ApiRefusal(answer);
  return SessionDetails.parse(answer.body);
}
