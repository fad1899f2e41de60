import type { WebSocket } from 'ws';
import { MESSAGE_BYTES_MAX, TEXT_BYTES_MAX } from '../../contract/terminal.schema.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { SocketInbox } from './socket.inbox.js';
import type { SocketSettings } from './socket.settings.js';

/** Output goes in parts of this size, so that a slow reader is seen to take it. */
const PART_BYTES = 32_768;
/** Smaller frames are made of Node's own pool. */
const LARGE_FRAME_BYTES = 4_096;
/** Large ones are used again once they have left, so many in all: new ones keep the garbage collector busy. */
const FRAMES_KEPT_MAX = 64;
const framesKept: Buffer[] = [];

/** How a connection is ended: the last message, the close code, and how long the client may take to read it. */
export interface Farewell {
  readonly message: object;
  readonly code: number;
  readonly graceSeconds: number;
}

/**
 * A WebSocket with bounds: what the client does not read is waited for, what nobody takes of the client is not read
 * from it, and who is silent, stalls or floods is cut.
 */
export class SocketConnection {
  readonly inbox = new SocketInbox(() => this.readOn());
  private readonly gone = new AbortController();
  private readonly waiters: (() => void)[] = [];
  private unsent = 0;
  private takenAt = performance.now();
  private heardAt = performance.now();
  private pingedAt = performance.now();
  private empties: number;
  private emptiesAt = performance.now();
  private isEnding = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly settings: SocketSettings,
    private readonly refusalOf: (problem: Problem) => Farewell,
  ) {
    this.empties = settings.emptyBurstMax;
    socket.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
    socket.on('ping', (data: Buffer) => this.ping(data));
    socket.on('pong', () => this.isCalm());
    // What was not WebSocket, or too large: the library closes, and waits for a client that may never answer.
    socket.on('error', () => this.abandon());
    socket.on('close', () => this.leave());
  }

  /** Aborts when the client has left, was cut, or is being told the end. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  /** Whether the connection is closed on both sides. */
  get isClosed(): boolean {
    return this.socket.readyState === this.socket.CLOSED;
  }

  /** How much waits on this side, in bytes: of what was sent and of what came. */
  get waitingBytes(): number {
    return this.socket.bufferedAmount + this.inbox.weight;
  }

  /** Sends bytes on a channel. Resolves when there is room for more, or nobody is there any more. */
  async send(channel: number, data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.signal.aborted; at += PART_BYTES) {
      const part = data.subarray(at, at + PART_BYTES);
      const bytes = part.length + 1;
      const memory = bytes < LARGE_FRAME_BYTES ? Buffer.allocUnsafe(bytes) : largeFrame();
      memory[0] = channel;
      memory.set(part, 1);
      this.write(memory.subarray(0, bytes), () => keepFrame(memory));
      if (this.unsent > this.settings.waitingBytesMax) await this.room();
    }
  }

  /** Sends a message as JSON text. Resolves as {@link send} does. */
  async tell(message: object): Promise<void> {
    if (this.signal.aborted) return;
    this.write(JSON.stringify(message));
    if (this.unsent > this.settings.waitingBytesMax) await this.room();
  }

  /** Says the last word and closes. Only the first call does anything. */
  end({ message, code, graceSeconds }: Farewell): void {
    if (this.isEnding) return;
    this.isEnding = true;
    if (this.socket.readyState === this.socket.OPEN) {
      this.write(JSON.stringify(message));
      this.socket.close(code);
      this.cutAfter(graceSeconds);
      // The client's own close frame is still to be read.
      this.socket.resume();
    }
    this.leave();
  }

  /** Ends the connection because of the client. */
  refuse(found: Problem): void {
    this.end(this.refusalOf(found));
  }

  /** Closes without a word. */
  cut(): void {
    this.socket.terminate();
    this.leave();
  }

  /** To be called every few seconds: pings, and cuts who is silent or takes nothing. */
  beat(now: number): void {
    const { pingSeconds, silentSeconds, stalledSeconds, waitingBytesMax } = this.settings;
    const isStalled = this.unsent > 0 && now - this.takenAt > stalledSeconds * 1000;
    // Of a socket that is not read nothing is heard either: it is the reader's turn, not the client's.
    const isSilent = !this.socket.isPaused && now - this.heardAt > silentSeconds * 1000;
    if (this.isEnding) return;
    if (this.socket.readyState !== this.socket.OPEN) return this.abandon();
    if (isStalled || isSilent) return this.cut();
    if (now - this.pingedAt < pingSeconds * 1000 || this.unsent > waitingBytesMax) return;
    this.pingedAt = now;
    this.socket.ping();
  }

  private take(data: Buffer, isBinary: boolean): void {
    this.heardAt = performance.now();
    if (this.isEnding) return;
    if (!isBinary || data.length < 2) {
      if (!this.isCalm()) return;
      if (data.length > TEXT_BYTES_MAX) {
        return this.refuse(problem('invalid-request', 'A text message is too long.'));
      }
    }
    if (isBinary) this.inbox.putBytes(data);
    else this.inbox.putText(data.toString('utf8'));
    if (this.inbox.weight > this.settings.waitingBytesMax) this.socket.pause();
  }

  /** Answered only while the answers are read: else pings would fill the memory. */
  private ping(data: Buffer): void {
    if (!this.isCalm() || this.isEnding) return;
    if (this.socket.bufferedAmount > MESSAGE_BYTES_MAX) return;
    if (this.socket.readyState === this.socket.OPEN) this.socket.pong(data);
  }

  /** Counts a message that carries nothing. Whether the client keeps within bounds. */
  private isCalm(): boolean {
    const { emptyBurstMax, emptyPerSecondMax } = this.settings;
    const now = performance.now();
    this.heardAt = now;
    const refilled = this.empties + ((now - this.emptiesAt) / 1000) * emptyPerSecondMax;
    this.empties = Math.min(emptyBurstMax, refilled) - 1;
    this.emptiesAt = now;
    if (this.empties >= 0) return true;
    this.refuse(problem('too-many-requests', 'Too many messages without bytes came at once.'));
    return false;
  }

  /** @param left called once the socket needs the data no more; not where the connection breaks. */
  private write(data: Buffer | string, left?: () => void): void {
    // Closed by the client: nothing more reaches it.
    if (this.socket.readyState !== this.socket.OPEN) return this.abandon();
    const bytes = data.length;
    if (this.unsent === 0) this.takenAt = performance.now();
    this.unsent += bytes;
    this.socket.send(data, { binary: typeof data !== 'string' }, (error) => {
      if (!error) left?.();
      this.unsent -= bytes;
      this.takenAt = performance.now();
      if (this.unsent <= this.settings.waitingBytesMax / 2) this.wake();
    });
  }

  private async room(): Promise<void> {
    while (this.unsent > this.settings.waitingBytesMax / 2 && !this.signal.aborted) {
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  private readOn(): void {
    if (!this.socket.isPaused || this.inbox.weight > this.settings.waitingBytesMax / 2) return;
    this.heardAt = performance.now();
    this.socket.resume();
  }

  private leave(): void {
    this.gone.abort();
    this.inbox.close();
    this.wake();
  }

  /** The client has said its last word, or the library for it. */
  private abandon(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.cutAfter(this.settings.closeSeconds);
    this.leave();
  }

  private cutAfter(seconds: number): void {
    const cut = setTimeout(() => this.cut(), seconds * 1000);
    this.socket.once('close', () => clearTimeout(cut));
  }

  private wake(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }
}

function largeFrame(): Buffer {
  return framesKept.pop() ?? Buffer.allocUnsafe(PART_BYTES + 1);
}

function keepFrame(memory: Buffer): void {
  if (memory.length > PART_BYTES && framesKept.length < FRAMES_KEPT_MAX) framesKept.push(memory);
}
