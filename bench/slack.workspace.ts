import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** The workspace, and the users whom it has. */
export const TEAM = 'T0BENCH';
export const ROBIN = 'U0ROBIN';
export const ALEX = 'U0ALEX';

const LONGEST_MS = 30_000;

export interface Call {
  readonly method: string;
  readonly fields: URLSearchParams;
  /** When all of it was there. */
  readonly arrivedMs: number;
}

/**
 * As much of Slack's Web API as the broker calls, over HTTP, answered at once: what is measured is when calls arrive. It
 * keeps nothing but the calls.
 */
export class SlackWorkspace implements AsyncDisposable {
  private calls: Call[] = [];
  private readonly heard = new Set<() => void>();
  private sent = 0;

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<SlackWorkspace> {
    const server = createServer();
    const workspace = new SlackWorkspace(server);
    server.on('request', (request, response) => {
      text(request)
        .then((body) => {
          const method = (request.url ?? '').replace(/^\/api\//, '');
          const answer = workspace.take(method, new URLSearchParams(body));
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ ok: true, ...answer }));
        })
        // Whoever asked is gone.
        .catch(() => request.socket.destroy());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return workspace;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/api/`;
  }

  /** How many calls there were so far; what comes next is looked for from there. */
  mark(): number {
    return this.calls.length;
  }

  /** The first call after a mark that is like that, as soon as it is there. @throws Error where none comes. */
  async next(mark: number, isIt: (call: Call) => boolean): Promise<Call> {
    const limit = AbortSignal.timeout(LONGEST_MS);
    for (;;) {
      const found = this.calls.slice(mark).find(isIt);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        const wake = () => {
          this.heard.delete(wake);
          limit.removeEventListener('abort', late);
          resolve();
        };
        const late = () => {
          this.heard.delete(wake);
          const methods = this.calls.slice(mark).map(({ method }) => method);
          reject(new Error(`Slack was not called in time, but for: ${methods.join(', ')}`));
        };
        this.heard.add(wake);
        limit.addEventListener('abort', late, { once: true });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close').catch(() => undefined);
  }

  private take(method: string, fields: URLSearchParams): object {
    this.calls.push({ method, fields, arrivedMs: performance.now() });
    for (const wake of [...this.heard]) wake();
    return this.answerTo(method, fields);
  }

  private answerTo(method: string, fields: URLSearchParams): object {
    const ts = `1700000000.${String((this.sent += 1)).padStart(6, '0')}`;
    switch (method) {
      case 'views.open':
      case 'views.update':
        return { view: { id: fields.get('view_id') ?? `V${this.sent}`, hash: 'h' } };
      case 'users.info':
        return { user: userOf(fields.get('user') ?? '') };
      case 'conversations.open':
        return { channel: { id: `D0${fields.get('users') ?? ''}` } };
      case 'conversations.history':
      case 'conversations.replies':
        return { messages: [] };
      default:
        return { channel: fields.get('channel'), ts: fields.get('ts') ?? ts };
    }
  }
}

function userOf(id: string): object {
  return {
    id,
    team_id: TEAM,
    name: id.toLowerCase(),
    deleted: false,
    is_bot: false,
    profile: { display_name: id },
  };
}
