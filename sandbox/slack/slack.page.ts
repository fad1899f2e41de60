import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../project.root.js';
import { PAGE, STYLE } from './page.document.js';
import type { SlackHand } from './slack.hand.js';
import type { Shown } from './slack.snapshot.js';
import { snapshot } from './slack.snapshot.js';
import type { Told } from './slack.state.js';
import type { SlackWorkspace } from './slack.workspace.js';

const SCRIPTS = join(PROJECT_ROOT, 'dist', 'sandbox', 'slack', 'client');
const SCRIPT = /^\/client\/([a-z]+(?:\.[a-z]+)?\.js)$/;
const BODY_BYTES_MAX = 64 * 1024;
/** Changes that come together are told together. */
const TOGETHER_MS = 40;

/** Scripts and styles of its own server and nothing else, no frame around it, and no form that goes anywhere. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
};

const word = z.string().max(3_000);
const filled = z.record(z.string().max(255), word);
const Pressed = z.object({ channel: word, ts: word, action: word, value: word });

/** What people do on the page, by the path that it is posted to. */
const ACTS: Readonly<
  Record<string, (hand: SlackHand, person: string, body: unknown) => Promise<unknown>>
> = {
  '/command': (hand, person, body) =>
    hand.command(person, z.object({ text: word }).parse(body).text),
  '/press': (hand, person, body) => hand.press(person, Pressed.parse(body)),
  '/submit': (hand, person, body) => hand.submit(person, z.object({ filled }).parse(body).filled),
  '/suggest': (hand, person, body) =>
    hand.suggest(person, z.object({ block: word, typed: word }).parse(body)),
  '/leave': (hand, person, body) => {
    const left = z.object({ block: word, filled }).parse(body);
    return hand.leave(person, left.block, left.filled);
  },
  '/close': async (hand, person) => hand.close(person),
};

/**
 * A page on loopback that shows a workspace as it changes, and lets whoever looks be any of its people. Other sites that
 * the same browser has open can neither read it nor press anything on it.
 */
export class SlackPage {
  private told: Told | null = null;
  private readonly streams = new Set<ServerResponse>();
  private readonly opened: Promise<void>;
  private isOpen: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly stopListening: () => void;

  private constructor(
    private readonly server: Server,
    private readonly uses: {
      readonly workspace: SlackWorkspace;
      readonly hand: SlackHand;
      readonly shown: Shown;
    },
  ) {
    this.opened = new Promise((resolve) => (this.isOpen = resolve));
    this.stopListening = uses.workspace.onChange(() => this.changed());
  }

  static async start(uses: SlackPage['uses'], port: number): Promise<SlackPage> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const page = new SlackPage(server, uses);
    server.on('request', (request, response) => void page.serve(request, response));
    return page;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Once somebody looks at it. */
  async whenOpened(): Promise<void> {
    return this.opened;
  }

  /** Says at its top what happens. @param by as whom to look at it. */
  tell(sentence: string, by: string | null = null): void {
    this.told = { step: (this.told?.step ?? 0) + 1, by, sentence };
    this.changed();
  }

  async close(): Promise<void> {
    this.stopListening();
    clearTimeout(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    try {
      // A name that somebody else leads here is not ours (DNS rebinding).
      if (`http://${request.headers.host ?? ''}` !== this.url) return answer(response, 421);
      if (request.method === 'GET') return await this.show(request.url ?? '', response);
      if (request.method === 'POST') return await this.act(request, response);
      return answer(response, 405);
    } catch (error) {
      const said = error instanceof Error ? error.message : 'It failed.';
      answer(response, error instanceof z.ZodError ? 422 : 502, `That did not work: ${said}`);
    }
  }

  private async show(path: string, response: ServerResponse): Promise<void> {
    if (path === '/') return answer(response, 200, PAGE, 'text/html');
    if (path === '/page.css') return answer(response, 200, STYLE, 'text/css');
    if (path === '/state') return answer(response, 200, await this.state(), 'application/json');
    if (path === '/changes') return this.stream(response);
    const script = SCRIPT.exec(path)?.[1];
    if (script === undefined) return answer(response, 404);
    return answer(response, 200, await readFile(join(SCRIPTS, script), 'utf8'), 'text/javascript');
  }

  private async act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, 'content-type': type } = request.headers;
    if (origin !== this.url) return answer(response, 403);
    if (type !== 'application/json') return answer(response, 415);
    const act = ACTS[request.url ?? ''];
    if (!act) return answer(response, 404);
    const body: unknown = JSON.parse(await bodyOf(request));
    const { as } = z.object({ as: word }).parse(body);
    const known = this.uses.shown.people.some(({ sub }) => sub === as);
    if (!known) return answer(response, 404, 'Nobody here is called so.');
    const came = await act(this.uses.hand, as, body);
    return answer(response, 200, JSON.stringify(came ?? null), 'application/json');
  }

  private async stream(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${await this.state()}\n\n`);
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    this.isOpen();
  }

  /** JSON on one line. */
  private async state(): Promise<string> {
    const { workspace, shown } = this.uses;
    return JSON.stringify(await snapshot(workspace, shown, this.told));
  }

  private changed(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.streams.size === 0) return;
      this.state().then(
        (state) => {
          for (const stream of this.streams) stream.write(`data: ${state}\n\n`);
        },
        // The workspace is closed: so is the page, soon.
        () => undefined,
      );
    }, TOGETHER_MS);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = z.instanceof(Buffer).parse(chunk);
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('it is too large');
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, body = 'No.', type = 'text/plain'): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}
