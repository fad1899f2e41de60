import type { AuditEntry } from '../../src/domain/audit/entry.js';
import type { Chunk, RecordingInfo } from '../../src/app/ports/recording.store.js';
import { RecordingStore } from '../../src/app/ports/recording.store.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import type { SessionId } from '../../src/domain/session/session.js';

/** Recordings that a test has put there. Writing is tried on PostgreSQL. */
export class MemoryRecordings extends RecordingStore {
  readonly infos: RecordingInfo[] = [];
  readonly parts = new Map<RecordingId, Chunk[]>();
  readonly notes: AuditEntry[] = [];

  open(): never {
    throw new Error('not of this store');
  }
  append(): never {
    throw new Error('not of this store');
  }
  gap(): never {
    throw new Error('not of this store');
  }
  finish(): never {
    throw new Error('not of this store');
  }
  finishShort(): never {
    throw new Error('not of this store');
  }
  async sealed(id: RecordingId) {
    return this.find(id);
  }
  beat(): Promise<void> {
    return Promise.resolve();
  }
  silent(): Promise<RecordingInfo[]> {
    return Promise.resolve([]);
  }
  abandon(): Promise<boolean> {
    return Promise.resolve(false);
  }
  find(id: RecordingId): Promise<RecordingInfo | undefined> {
    return Promise.resolve(this.infos.find((it) => it.id === id));
  }
  ofSession(session: SessionId): Promise<RecordingInfo[]> {
    return Promise.resolve(this.infos.filter((it) => it.session === session));
  }
  heads(): never {
    throw new Error('not of this store');
  }
  chunks(id: RecordingId, after: number, limit: number): Promise<Chunk[]> {
    return Promise.resolve((this.parts.get(id) ?? []).slice(after, after + limit));
  }
  hold(): Promise<boolean> {
    return Promise.resolve(false);
  }
  due(): Promise<RecordingInfo[]> {
    return Promise.resolve([]);
  }
  drop(): Promise<boolean> {
    return Promise.resolve(false);
  }
  takeUnread(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  keepTaken(): Promise<void> {
    return Promise.resolve();
  }
  keepScreen(): Promise<void> {
    return Promise.resolve();
  }
  screen(): Promise<[]> {
    return Promise.resolve([]);
  }
  search(): Promise<[]> {
    return Promise.resolve([]);
  }
  note(audit: AuditEntry): Promise<void> {
    this.notes.push(audit);
    return Promise.resolve();
  }
  subscribe(): () => void {
    return () => undefined;
  }
}
