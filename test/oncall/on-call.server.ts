import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpOnCall } from '../../src/adapters/oncall/http.on-call.js';
import { Secret } from '../../src/config/secret.js';
import type { OnCallSource } from '../../src/domain/policy/on-call-source.js';
import type { Person } from '../../src/domain/person.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';

export const TOKEN = 'hunter2-of-pagerduty';

/** The hosts of the servers of a test file: secrets may be sent to all of them, unless the test says otherwise. */
const started: string[] = [];

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers with the document, as JSON. */
export const json =
  (document: unknown): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document));
  };

/** A source of who is on call, on loopback, whose answer a test chooses. Keeps what it was asked. */
export class OnCallServer {
  readonly asked: { readonly url: URL; readonly headers: IncomingHttpHeaders }[] = [];
  answer: Answer = json([]);

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OnCallServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    started.push(`127.0.0.1:${port}`);
    const made = new OnCallServer(server, `http://127.0.0.1:${port}`);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      made.asked.push({ url: new URL(request.url ?? '', made.url), headers: request.headers });
      made.answer(request, response);
    });
    return made;
  }

  /** A source that asks this server for a list of e-mails, unless the test says otherwise. */
  source(over: Partial<OnCallSource> = {}): OnCallSource {
    return {
      name: 'payments',
      description: '',
      url: `${this.url}/oncalls`,
      shape: { kind: 'generic', pointer: '', field: null },
      match: 'email',
      secret: null,
      timeoutSeconds: 5,
      maxAgeSeconds: 60,
      staleForSeconds: 300,
      ...over,
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

export const ROBIN: Person = {
  iss: 'https://login.example.com',
  sub: 'robin',
  email: 'robin@example.com',
  groups: [],
};

/** Asks with a clock that a test moves; `journal` holds what operators are told. */
export function lab(
  secrets: Readonly<Record<string, string>> = { pagerduty: TOKEN },
  hosts: readonly string[] = started,
) {
  const clock = new HandClock(new Date('2030-01-01T12:00:00Z'));
  const journal = new MemoryJournal();
  const onCall = new HttpOnCall({
    clock,
    journal,
    secrets: new Map(
      Object.entries(secrets).map(([name, text]) => [name, { value: new Secret(text), hosts }]),
    ),
  });
  const ask = async (source: OnCallSource, person = ROBIN): Promise<boolean | 'unknown'> =>
    (await onCall.factsFor([source], person))[source.name]!;
  return { clock, journal, onCall, ask };
}
