import { createEmulator } from 'emulate';
import type { Emulator } from 'emulate';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { z } from 'zod';
import { freePort } from '../free.port.js';
import type { SandboxPerson } from '../identity/people.js';
import { Listed, Message, Messages, View } from './slack.shapes.js';

/** What `emulate` calls its one workspace. */
export const TEAM_ID = 'T000000001';
export const BOT_TOKEN = 'xoxb-hallpass-sandbox';
/** One that was the bot's, and was revoked. */
export const REVOKED_TOKEN = 'xoxb-hallpass-revoked';
const BOT = 'hallpass';
const MESSAGES_MAX = 50;
const ALONE_MAX = 20;

/** A form that somebody sees. */
export interface OpenView {
  readonly id: string;
  readonly view: View;
  /** What is wrong, by the block that it is shown at. */
  readonly errors: Readonly<Record<string, string>>;
  /** Counts what it was changed to, so that whoever fills it in is left alone in between. */
  readonly revision: number;
}

/** A message of which only one person sees that it is there. */
interface Alone {
  readonly channel: string;
  readonly user: string;
  readonly message: Message;
}

/**
 * A workspace of Slack's on loopback: its Web API as `emulate` has it, over real HTTP. In front of it is a line that
 * notes what no call of that API tells: which forms are open, what was told to one person alone, and that something
 * changed.
 */
export class SlackWorkspace {
  /** By the id of whoever sees them. */
  private readonly views = new Map<string, OpenView>();
  private readonly triggers = new Map<string, string>();
  private readonly alone: Alone[] = [];
  private readonly listeners = new Set<() => void>();
  private ids = new Map<string, string>();

  private constructor(
    private readonly emulator: Emulator,
    private readonly server: Server,
    /** Where the Web API is, with a slash at its end. */
    readonly apiUrl: string,
  ) {}

  /** With these people and channels, and the bot that {@link BOT_TOKEN} speaks for. */
  static async open(
    people: readonly SandboxPerson[],
    channels: readonly string[],
  ): Promise<SlackWorkspace> {
    const members = [
      { name: BOT, real_name: 'Hallpass', email: 'hallpass@example.com' },
      ...people.map(({ sub, name, email }) => ({ name: sub, real_name: name, email })),
    ];
    const emulator = await createEmulator({
      service: 'slack',
      port: await freePort(0),
      seed: {
        slack: {
          team: { name: 'Sandbox', domain: 'sandbox' },
          users: members,
          channels: channels.map((name) => ({ name })),
          tokens: [{ token: BOT_TOKEN, user: BOT }],
        },
      },
    });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    const url = `http://127.0.0.1:${address.port}/api/`;
    const workspace = new SlackWorkspace(emulator, server, url);
    server.on('request', (request, response) => {
      // Whoever asked is gone, or the workspace is closed.
      workspace.relay(request, response).catch(() => request.socket.destroy());
    });
    await workspace.learnIds();
    return workspace;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.emulator.close();
  }

  /** The id of a person (`robin`) or a channel (`#approvals`). @throws Error where there is none. */
  id(name: string): string {
    const id = this.ids.get(name);
    if (id === undefined) throw new Error(`the workspace has no ${name}`);
    return id;
  }

  /** Who is called so by Slack; the id itself where it is nobody's. */
  nameOf(id: string): string {
    return [...this.ids].find(([, known]) => known === id)?.[0] ?? id;
  }

  /** The id of the channel in which the bot writes to somebody. */
  async dm(person: string): Promise<string> {
    const made = await this.ask('conversations.open', { users: this.id(person) });
    return z.object({ channel: z.object({ id: z.string() }) }).parse(made).channel.id;
  }

  /** The newest messages of a channel, oldest first, without threads; and what one person alone was told there. */
  async messages(channel: string): Promise<(Message & { readonly alone: string | null })[]> {
    const limit = `${MESSAGES_MAX}`;
    const { messages } = Messages.parse(
      await this.ask('conversations.history', { channel, limit }),
    );
    const shown = messages.map((message) => ({ ...message, alone: null }));
    const hidden = this.alone
      .filter((one) => one.channel === channel)
      .map(({ user, message }) => ({ ...message, alone: user }));
    return [...shown, ...hidden].sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }

  /** What stands under a message. */
  async thread(channel: string, ts: string): Promise<Message[]> {
    const { messages } = Messages.parse(await this.ask('conversations.replies', { channel, ts }));
    return messages.filter((message) => message.ts !== ts);
  }

  /** What a click, a command or a form gives, for a form to be opened by. It holds for 3 seconds. */
  async trigger(user: string): Promise<string> {
    const made = await this.ask('views.generateTriggerId', { user_id: user });
    const { trigger_id: id } = z.object({ trigger_id: z.string() }).parse(made);
    this.triggers.set(id, user);
    return id;
  }

  /** The form that somebody sees. */
  view(user: string): OpenView | undefined {
    return this.views.get(user);
  }

  /** Changes the form that somebody sees, as Slack does by itself when a form was sent; null closes it. */
  setView(user: string, change: Partial<Pick<OpenView, 'view' | 'errors'>> | null): void {
    const open = this.views.get(user);
    if (open && change) {
      this.views.set(user, { ...open, errors: {}, ...change, revision: open.revision + 1 });
    } else {
      this.views.delete(user);
    }
    this.changed();
  }

  /** Says something to one person alone. */
  tellAlone(channel: string, user: string, message: Omit<Message, 'ts'>): void {
    const now = Date.now();
    const ts = `${Math.floor(now / 1000)}.${`${now % 1000}`.padStart(3, '0')}999`;
    this.alone.push({ channel, user, message: { ...message, ts } });
    if (this.alone.length > ALONE_MAX) this.alone.shift();
    this.changed();
  }

  /** Calls `listener` whenever something may look different. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }

  private async learnIds(): Promise<void> {
    const { channels } = Listed.parse(await this.ask('conversations.list', { limit: '200' }));
    const { members } = Listed.parse(await this.ask('users.list', { limit: '200' }));
    this.ids = new Map([
      ...channels.map(({ id, name }) => [`#${name}`, id] as const),
      ...members.map(({ id, name }) => [name, id] as const),
    ]);
  }

  private async ask(method: string, fields: Readonly<Record<string, string>>): Promise<unknown> {
    const response = await fetch(`${this.emulator.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${BOT_TOKEN}` },
      body: new URLSearchParams(fields),
    });
    return response.json();
  }

  private async relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(z.instanceof(Buffer).parse(chunk));
    const body = Buffer.concat(chunks);
    // `emulate` takes any token; Slack does not.
    if (request.headers.authorization === `Bearer ${REVOKED_TOKEN}`) {
      const refused = JSON.stringify({ ok: false, error: 'token_revoked' });
      response.writeHead(200, { 'content-type': 'application/json' }).end(refused);
      return;
    }
    const answered = await fetch(`${this.emulator.url}/api/${method}`, {
      method: 'POST',
      headers: {
        authorization: request.headers.authorization ?? '',
        'content-type': request.headers['content-type'] ?? '',
      },
      body,
    });
    const text = await answered.text();
    response.writeHead(answered.status, { 'content-type': 'application/json' }).end(text);
    this.note(method, new URLSearchParams(body.toString('utf8')), JSON.parse(text));
  }

  private note(method: string, sent: URLSearchParams, answer: unknown): void {
    if (!z.object({ ok: z.literal(true) }).safeParse(answer).success) return;
    const shown = z.object({ view: View.extend({ id: z.string() }) }).safeParse(answer).data?.view;
    if (method === 'views.open' && shown) {
      const user = this.triggers.get(sent.get('trigger_id') ?? '');
      if (user === undefined) return;
      this.views.set(user, { id: shown.id, view: View.parse(shown), errors: {}, revision: 0 });
    } else if (method === 'views.update' && shown) {
      const [user] = [...this.views].find(([, { id }]) => id === shown.id) ?? [];
      if (user !== undefined) this.setView(user, { view: View.parse(shown) });
    } else if (method === 'chat.postEphemeral') {
      const message = Message.omit({ ts: true }).parse({
        user: this.id(BOT),
        text: sent.get('text') ?? '',
        blocks: JSON.parse(sent.get('blocks') ?? '[]') as unknown,
      });
      this.tellAlone(sent.get('channel') ?? '', sent.get('user') ?? '', message);
    }
    this.changed();
  }
}
