import type { ServerResponse } from 'node:http';
import { once } from 'node:events';

/** Why a stream ends, as its last event says. Anything else is a broken connection: come back. */
export type CloseReason = 'final' | 'token-expired' | 'shutdown';

/** How long a client waits before it comes back. */
const RETRY_MILLISECONDS = 2_000;

/** A response that is a stream of events (WHATWG HTML §9.2), with bounds on what a slow reader may leave unread. */
export class EventStream {
  private readonly leaving = new AbortController();
  private bell: (() => void) | undefined;
  private rung = false;
  private reason: CloseReason | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly stalledSeconds: number,
  ) {
    response.on('close', () => this.leaving.abort());
    response.on('error', () => this.leaving.abort());
  }

  /** Aborts when the client has left or the stream was asked to close. */
  get signal(): AbortSignal {
    return this.leaving.signal;
  }

  open(headers: Readonly<Record<string, string | string[] | number | undefined>>): void {
    // The server's idle limit is for requests; here silence is broken by heartbeats.
    this.response.socket?.setTimeout(0);
    this.response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      // A stream is the last answer on its connection, so that closing the server need not wait for an idle one.
      connection: 'close',
    });
    this.response.write(`retry: ${RETRY_MILLISECONDS}\n\n`);
  }

  /** Sends one event, and waits while the client is slow. JSON has no line feeds of its own. */
  async send(event: { type: string; id?: number; data: unknown }): Promise<void> {
    const id = event.id === undefined ? '' : `id: ${event.id}\n`;
    const frame = `event: ${event.type}\n${id}data: ${JSON.stringify(event.data)}\n\n`;
    if (this.signal.aborted || this.response.write(frame)) return;
    const patience = AbortSignal.any([
      this.signal,
      AbortSignal.timeout(this.stalledSeconds * 1000),
    ]);
    await once(this.response, 'drain', { signal: patience }).catch(() => undefined);
    if (patience.aborted) this.response.destroy();
  }

  /** A comment, so that nobody between takes the connection for dead. */
  heartbeat(): void {
    if (!this.signal.aborted && !this.response.writableNeedDrain)
      this.response.write(': alive\n\n');
  }

  /** Wakes {@link wait}, now or the next time. */
  ring(): void {
    this.rung = true;
    this.bell?.();
  }

  /** Waits until the stream is rung, ends, or so many seconds have passed. */
  async wait(seconds: number): Promise<void> {
    if (!this.rung && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => wake(), seconds * 1000);
        const wake = () => {
          clearTimeout(timer);
          this.signal.removeEventListener('abort', wake);
          resolve();
        };
        this.bell = wake;
        this.signal.addEventListener('abort', wake, { once: true });
      });
    }
    this.rung = false;
    this.bell = undefined;
  }

  /** Asks the stream to end after what is being sent. */
  close(reason: CloseReason): void {
    this.reason ??= reason;
    this.leaving.abort();
  }

  /** Ends the response, with the reason where there is one. */
  end(): void {
    if (this.response.writableEnded || this.response.destroyed) return;
    if (this.reason === undefined) this.response.end();
    else this.response.end(`event: close\ndata: ${JSON.stringify({ reason: this.reason })}\n\n`);
  }
}
