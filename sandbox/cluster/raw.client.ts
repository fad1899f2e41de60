import { request as httpsRequest } from 'node:https';
import { WebSocket } from 'ws';

/** A client that sends exactly what it is told and shows exactly what came back; for holding the server to recordings. */
export interface RawRequest {
  method: string;
  path: string;
  token?: string | undefined;
  contentType?: string | undefined;
  accept?: string;
  /** Besides those above. */
  headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** Parsed where it is JSON, text otherwise. */
  body: unknown;
}

export interface Frame {
  atMs: number;
  from?: 'server' | 'client';
  channel?: number;
  text?: string;
  binary?: boolean;
  closed?: { code: number; reason: string };
  error?: string;
}

export interface StreamTrial {
  acceptedSubprotocol?: string;
  response?: RawAnswer;
  frames: Frame[];
}

export class RawClient {
  constructor(
    private readonly url: string,
    private readonly caPem: string,
  ) {}

  async send(asked: RawRequest): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open(asked, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => resolve(answer(incoming, Buffer.concat(chunks).toString())));
      });
      outgoing.once('error', reject);
    });
  }

  /** Status and headers alone: for answers that do not end by themselves. */
  async head(asked: RawRequest): Promise<Omit<RawAnswer, 'body'>> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open(asked, (incoming) => {
        const { status, headers } = answer(incoming, '{}');
        // Cutting the connection off is an error to the request, and meant.
        incoming.on('error', () => undefined);
        outgoing.destroy();
        resolve({ status, headers });
      });
      outgoing.once('error', reject);
    });
  }

  /** Asks for an upgrade of any kind and tells the status; an accepted one is closed at once. */
  async upgrade(
    asked: RawRequest & { headers: Readonly<Record<string, string>> },
  ): Promise<{ status: number; protocol: string | undefined }> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(this.url + asked.path, {
        method: asked.method,
        ca: this.caPem,
        headers: {
          ...asked.headers,
          ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
        },
      });
      outgoing.once('response', (incoming) => {
        incoming.resume();
        resolve({ status: incoming.statusCode ?? 0, protocol: undefined });
      });
      outgoing.once('upgrade', (incoming, socket) => {
        socket.destroy();
        resolve({ status: 101, protocol: incoming.headers['sec-websocket-protocol'] });
      });
      outgoing.once('error', reject);
      outgoing.end();
    });
  }

  /** Lines of a watch as they come; `stop` closes it. */
  async watch(asked: Omit<RawRequest, 'method'>): Promise<Watching> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open({ ...asked, method: 'GET' }, (incoming) => {
        resolve(new Watching(incoming, () => outgoing.destroy()));
      });
      outgoing.once('error', reject);
    });
  }

  /**
   * Opens a stream and keeps what passes. `onOpen` gets a way to send frames; the trial is over when the server closes,
   * refuses, or `onOpen`'s promise has resolved and the client has closed.
   */
  async stream(
    asked: { path: string; token?: string | undefined; protocols: string[] },
    onOpen: (talk: Talk) => Promise<void> = () => Promise.resolve(),
  ): Promise<StreamTrial> {
    const trial: StreamTrial = { frames: [] };
    const began = Date.now();
    const note = (frame: Omit<Frame, 'atMs'>) =>
      trial.frames.push({ atMs: Date.now() - began, ...frame });
    const socket = new WebSocket(this.url.replace('https', 'wss') + asked.path, asked.protocols, {
      ca: this.caPem,
      headers: asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` },
    });
    return new Promise((resolve, reject) => {
      socket.on('unexpected-response', (_request, incoming) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
        incoming.on('end', () => {
          trial.response = answer(incoming, text);
          resolve(trial);
        });
      });
      socket.on('message', (data: Buffer, binary) => {
        note({ from: 'server', binary, channel: data[0] ?? -1, text: data.subarray(1).toString() });
      });
      socket.on('error', (error) => note({ error: error.message }));
      socket.on('close', (code, reason) => {
        note({ closed: { code, reason: reason.toString() } });
        resolve(trial);
      });
      socket.on('open', () => {
        trial.acceptedSubprotocol = socket.protocol;
        onOpen({
          frames: trial.frames,
          send: (channel, text) => {
            socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
            note({ from: 'client', channel, text });
          },
          close: () => socket.close(1000),
          cut: () => socket.terminate(),
        }).catch(reject);
      });
    });
  }

  #open(asked: RawRequest, onAnswer: (incoming: import('node:http').IncomingMessage) => void) {
    const body =
      asked.body === undefined || typeof asked.body === 'string'
        ? asked.body
        : JSON.stringify(asked.body);
    const outgoing = httpsRequest(
      this.url + asked.path,
      {
        method: asked.method,
        ca: this.caPem,
        headers: {
          ...asked.headers,
          ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
          ...(asked.contentType === undefined ? {} : { 'content-type': asked.contentType }),
          ...(asked.accept === undefined ? {} : { accept: asked.accept }),
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
      },
      onAnswer,
    );
    outgoing.end(body);
    return outgoing;
  }
}

export interface Talk {
  readonly frames: readonly Frame[];
  send: (channel: number, text: string) => void;
  close: () => void;
  /** Ends the connection without a word. */
  cut: () => void;
}

function answer(incoming: import('node:http').IncomingMessage, text: string): RawAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === 'string') headers[name] = value;
  }
  const isJson = (headers['content-type'] ?? '').startsWith('application/json');
  const body: unknown = isJson ? JSON.parse(text) : text;
  return { status: incoming.statusCode ?? 0, headers, body };
}

/** An open watch. */
export class Watching {
  readonly status: number;
  readonly lines: { atMs: number; line: unknown }[] = [];
  readonly ended: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(
    incoming: import('node:http').IncomingMessage,
    readonly stop: () => void,
  ) {
    this.status = incoming.statusCode ?? 0;
    const began = Date.now();
    let rest = '';
    incoming.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        this.lines.push({ atMs: Date.now() - began, line: JSON.parse(part) as unknown });
      }
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      incoming.once('close', resolve);
      incoming.once('error', () => resolve());
    });
  }

  /** Resolves once the lines satisfy; rejects after `timeoutMs`. */
  async until(
    satisfied: (lines: readonly { line: unknown }[]) => boolean,
    timeoutMs = 15_000,
  ): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!satisfied(this.lines)) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the watch did not show it: ${JSON.stringify(this.lines)}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }
}
