import type { App, Receiver } from '@slack/bolt';
import type { Clock } from '../../app/ports/clock.js';
import type { Journal } from '../../app/ports/journal.js';
import { SlackInbox } from '../../app/ports/slack.inbox.js';
import type { SlackAnswer, SlackRequest } from '../../app/ports/slack.inbox.js';
import { fieldOf, textOf } from './slack.answer.js';
import type { SlackSignature } from './slack.signature.js';

/** Slack gives up after 3 seconds. */
const ACK_MS_MAX = 2_800;
const REFUSED: SlackAnswer = { status: 401, body: null };
/** So many of those that were answered are known again. */
const REMEMBERED_MAX = 1_000;
const EMPTY: SlackAnswer = { status: 200, body: null };

/** What Slack posts over HTTP, to Bolt. Nothing is read of a request before its signature was checked. */
export class SlackReceiver extends SlackInbox implements Receiver {
  private app: App | undefined;
  private readonly answers = new Map<string, Promise<SlackAnswer>>();

  constructor(
    private readonly deps: {
      readonly signature: SlackSignature;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly ackMs?: number;
    },
  ) {
    super();
  }

  init(app: App): void {
    this.app = app;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** Answers as soon as the listener does; what it works on after that goes on. */
  async take(request: SlackRequest): Promise<SlackAnswer> {
    const { signature, clock, journal } = this.deps;
    const fault = signature.fault(request, clock.now());
    if (fault !== undefined) {
      journal.warn({ fault }, 'a request that was to be from Slack is not believed');
      return REFUSED;
    }
    const body = bodyOf(request);
    if (body === undefined) return { status: 400, body: null };
    if (fieldOf(body, 'type') === 'url_verification') {
      return { status: 200, body: { challenge: textOf(body, 'challenge') ?? '' } };
    }
    // Slack tries again where it was not answered in time, whether or not it was heard: what is known by its trigger is
    // done once and answered alike. What another replica heard is done again there, and comes to the same.
    const trigger = textOf(body, 'trigger_id') ?? textOf(body, 'event_id');
    const known = trigger === undefined ? undefined : this.answers.get(trigger);
    if (known) return known;
    const answer = this.process(body, request.requestId);
    if (trigger !== undefined) this.remember(trigger, answer);
    return answer;
  }

  private remember(trigger: string, answer: Promise<SlackAnswer>): void {
    this.answers.set(trigger, answer);
    const [oldest] = this.answers.keys();
    if (this.answers.size > REMEMBERED_MAX && oldest !== undefined) this.answers.delete(oldest);
  }

  private async process(
    body: Readonly<Record<string, unknown>>,
    requestId: string,
  ): Promise<SlackAnswer> {
    const { journal, ackMs = ACK_MS_MAX } = this.deps;
    const { app } = this;
    if (!app) return { status: 503, body: null };
    return new Promise<SlackAnswer>((resolve) => {
      const timer = setTimeout(resolve, ackMs, EMPTY);
      const done = (answer: SlackAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const ack = (answer?: unknown) => {
        done(answer === undefined || answer === '' ? EMPTY : { status: 200, body: answer });
        return Promise.resolve();
      };
      app.processEvent({ body, ack, customProperties: { requestId } }).then(
        () => done(EMPTY),
        (error: unknown) => {
          journal.error({ err: error }, 'what Slack sent could not be worked on');
          done(EMPTY);
        },
      );
    });
  }
}

/** Commands come as a form, interactions as JSON in the field `payload` of one, events as JSON. */
function bodyOf({
  body,
  contentType,
}: SlackRequest): Readonly<Record<string, unknown>> | undefined {
  const text = Buffer.from(body).toString('utf8');
  if (contentType.startsWith('application/json')) return objectIn(text);
  const form = new URLSearchParams(text);
  const payload = form.get('payload');
  return payload === null ? Object.fromEntries(form) : objectIn(payload);
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}
