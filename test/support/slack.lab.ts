import { createEmulator } from 'emulate';
import type { Emulator } from 'emulate';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { z } from 'zod';
import { WebSlackApi } from '../../src/adapters/slack/slack.api.js';
import { Secret } from '../../src/config/secret.js';

/** The bot's. */
export const TOKEN = 'xoxb-hallpass-lab';
const listed = z.object({
  channels: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
  members: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
});
const userAnswer = z.looseObject({ user: z.looseObject({}) });
const history = z.object({
  messages: z.array(
    z.looseObject({
      ts: z.string(),
      text: z.string(),
      thread_ts: z.string().optional(),
      blocks: z.array(z.looseObject({ type: z.string() })).default([]),
    }),
  ),
});
const triggerAnswer = z.object({ trigger_id: z.string() });
/** No test waits for Slack to be late by itself: whatever is called is answered, on a busy machine as well. */
const CALL_MS = 30_000;

export type LabMessage = z.infer<typeof history>['messages'][number];

/**
 * What happens to the next call of a method instead of its answer: Slack is busy, says no, or breaks down; or the
 * answer is lost on its way (`lost`: after it was done, `dropped`: before).
 */
export type SlackFault =
  | { readonly busySeconds: number | null }
  | { readonly word: string }
  | { readonly status: number }
  | 'lost'
  | 'dropped';

/** A workspace: Slack's Web API as `emulate` has it, over real HTTP, behind a line that can be made to fail. */
export class SlackLab {
  /** Every call, in its order, whatever became of it. */
  readonly calls: { readonly method: string; readonly fields: URLSearchParams }[] = [];
  /** Whether nothing that is asked of it is answered, nor done. */
  isDown = false;
  /** Whether it takes what is asked of it, and never answers. */
  isDeaf = false;
  /** What is said of users besides what the workspace says, by their ids. */
  readonly users = new Map<string, object>();
  private readonly faults = new Map<string, SlackFault[]>();
  /** The workspace's own triggers, by what was given out in their place. */
  private readonly triggers = new Map<string, () => Promise<string>>();

  private constructor(
    private readonly emulator: Emulator,
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** With the users `robin`, `alex` and `sam` and these channels besides Slack's own. */
  static async open(channels: readonly string[] = ['approvals', 'security']): Promise<SlackLab> {
    const emulator = await createEmulator({
      service: 'slack',
      // Any that is free, which nobody else can take in between.
      port: 0,
      seed: {
        slack: {
          team: { name: 'Lab', domain: 'lab' },
          users: ['hallpass', 'robin', 'alex', 'sam'].map((name) => ({
            name,
            real_name: name,
            email: `${name}@example.com`,
          })),
          channels: channels.map((name) => ({ name })),
          tokens: [{ token: TOKEN, user: 'hallpass' }],
        },
      },
    });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the lab has no port');
    const lab = new SlackLab(emulator, server, `http://127.0.0.1:${address.port}/api/`);
    server.on('request', (request, response) => {
      // Whoever asked is gone, or the workspace is closed.
      lab.relay(request, response).catch(() => request.socket.destroy());
    });
    return lab;
  }

  api(callMs = CALL_MS): WebSlackApi {
    return new WebSlackApi({ token: new Secret(TOKEN), url: this.url, callMs });
  }

  /** The next calls of `method` go wrong like this, one each. */
  fail(method: string, ...faults: readonly SlackFault[]): void {
    this.faults.set(method, [...(this.faults.get(method) ?? []), ...faults]);
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  async channel(name: string): Promise<string> {
    const { channels } = listed.parse(await this.ask('conversations.list', { limit: '200' }));
    return named(channels, name);
  }

  async user(name: string): Promise<string> {
    return named(listed.parse(await this.ask('users.list', {})).members, name);
  }

  /** What stands in a channel, oldest first, without threads. */
  async messages(channel: string): Promise<LabMessage[]> {
    const { messages } = history.parse(await this.ask('conversations.history', { channel }));
    return messages.toReversed();
  }

  /** What stands under a message. */
  async thread(channel: string, ts: string): Promise<LabMessage[]> {
    const { messages } = history.parse(await this.ask('conversations.replies', { channel, ts }));
    return messages.filter((message) => message.ts !== ts);
  }

  /**
   * What lets the app open a form for somebody, once. The workspace's own holds for two to three seconds, by the clock on
   * the wall: it is made when it is used, so that a busy machine is not taken for a slow app. {@link fail} says where one
   * has expired.
   */
  trigger(user: string): string {
    const id = `trigger-${this.triggers.size + 1}`;
    let made: Promise<string> | undefined;
    this.triggers.set(id, () => (made ??= this.madeTrigger(user)));
    return id;
  }

  /** Calls the workspace itself, past the line that fails. */
  async ask(method: string, fields: Readonly<Record<string, string>>): Promise<unknown> {
    const response = await fetch(`${this.emulator.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: new URLSearchParams(fields),
    });
    return response.json();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.emulator.close();
  }

  private async madeTrigger(user: string): Promise<string> {
    const made = await this.ask('views.generateTriggerId', { user_id: user });
    return triggerAnswer.parse(made).trigger_id;
  }

  /** What is called, with the workspace's own trigger where there is one of ours in it. */
  private async withTrigger(body: Buffer): Promise<Buffer> {
    const fields = new URLSearchParams(body.toString('utf8'));
    const made = this.triggers.get(fields.get('trigger_id') ?? '');
    if (!made) return body;
    fields.set('trigger_id', await made());
    return Buffer.from(fields.toString());
  }

  private told(method: string, body: Buffer, text: string): string {
    const more = this.users.get(new URLSearchParams(body.toString('utf8')).get('user') ?? '');
    if (method !== 'users.info' || more === undefined) return text;
    const answer = userAnswer.parse(JSON.parse(text));
    return JSON.stringify({ ...answer, user: { ...answer.user, ...more } });
  }

  private async relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(z.instanceof(Buffer).parse(chunk));
    const body = Buffer.concat(chunks);
    this.calls.push({ method, fields: new URLSearchParams(body.toString('utf8')) });
    if (this.isDeaf) return;
    const fault = this.isDown ? 'dropped' : this.faults.get(method)?.shift();
    if (fault === 'dropped') return void request.socket.destroy();
    if (fault !== undefined && fault !== 'lost') return answer(response, fault);
    const answered = await fetch(`${this.emulator.url}/api/${method}`, {
      method: 'POST',
      headers: {
        authorization: request.headers.authorization ?? '',
        'content-type': request.headers['content-type'] ?? '',
      },
      body: await this.withTrigger(body),
    });
    const text = this.told(method, body, await answered.text());
    if (fault === 'lost') return void request.socket.destroy();
    response.writeHead(answered.status, { 'content-type': 'application/json' }).end(text);
  }
}

function answer(response: ServerResponse, fault: Exclude<SlackFault, string>): void {
  if ('word' in fault) {
    const text = JSON.stringify({ ok: false, error: fault.word });
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  } else if ('status' in fault) {
    response.writeHead(fault.status).end('out of order');
  } else {
    const { busySeconds } = fault;
    response.writeHead(429, busySeconds === null ? {} : { 'retry-after': `${busySeconds}` }).end();
  }
}

function named(
  all: readonly { readonly id: string; readonly name: string }[],
  name: string,
): string {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`the lab has no ${name}`);
  return found.id;
}
