import type { Socket } from 'node:net';
import type { Server } from 'node:http';
import type { Caller } from '../../src/app/caller.js';
import type { Entry } from '../../src/app/enter-session.js';
import type { StreamEnd } from '../../src/app/enter-session.js';
import { MemoryEntry, PlayedStream } from './in-memory.doors.js';

/** Lets people into containers that are played: a small shell, and a few programs by their name. */
export class PlayedTerminals extends MemoryEntry {
  private readonly connections = new Set<Socket>();

  /** How often somebody asked to be let in. */
  entered = 0;
  /** How often somebody was not let in. */
  refused = 0;

  override async enter(caller: Caller, entry: Entry) {
    this.entered += 1;
    await this.held;
    if (this.refusal) {
      this.refused += 1;
      return this.refusal;
    }
    const stream = new PlayedProgram(caller, entry);
    this.streams.push(stream);
    stream.begin();
    return stream;
  }

  /** Those that were not over before. */
  get open(): PlayedStream[] {
    return this.streams.filter(({ over }) => !over);
  }

  notice(text: string): void {
    for (const stream of this.open) stream.notices.put({ kind: 'deadline', text });
  }

  end(end: StreamEnd): void {
    for (const stream of this.open) stream.end(end);
  }

  /** Knows of the connections of a server from now on. */
  over(server: Server): void {
    server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.on('close', () => this.connections.delete(socket));
    });
  }

  /** The network breaks: no end, no close frame. */
  cut(): void {
    for (const socket of this.connections) socket.destroy();
  }
}

/** A container's process that does what its name says. */
class PlayedProgram extends PlayedStream {
  private line = '';

  private get program(): string {
    return this.entry.command?.[0] ?? 'shell';
  }

  begin(): void {
    if (this.program === 'shell') this.print('$ ');
    if (this.program !== 'both') return;
    this.print('to output');
    this.print('to errors', 'stderr');
    this.end({ kind: 'exited', code: 7 });
  }

  override async write(data: Uint8Array): Promise<boolean> {
    const taken = await super.write(data);
    if (!taken) return false;
    if (this.program === 'cat') this.print(Uint8Array.from(data));
    if (this.program === 'shell') this.shell(Buffer.from(data).toString('utf8'));
    return true;
  }

  override closeInput(): Promise<boolean> {
    if (this.program !== 'sleep') this.end({ kind: 'exited', code: 0 });
    return super.closeInput();
  }

  /** Echoes what is typed, and ends at `exit N`. */
  private shell(typed: string): void {
    for (const character of typed) {
      if (character !== '\r') {
        this.line += character;
        this.print(character);
        continue;
      }
      const code = /^exit (\d+)$/.exec(this.line)?.[1];
      if (code !== undefined) return this.end({ kind: 'exited', code: Number(code) });
      this.print(`\r\nran ${this.line}\r\n$ `);
      this.line = '';
    }
  }
}
