import type { LogEntry, SignedHead } from '../../src/app/ports/log.store.js';
import { LogStore } from '../../src/app/ports/log.store.js';
import { ReadLog } from '../../src/app/read-log.js';
import type { AuditLog } from '../../src/app/ports/audit.log.js';
import type { Clock } from '../../src/app/ports/clock.js';

/** A log in which nothing has a place. */
export class EmptyLog extends LogStore {
  override isWaiting(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override round(): Promise<SignedHead | undefined> {
    return Promise.resolve(undefined);
  }

  override head(): Promise<SignedHead | undefined> {
    return Promise.resolve(undefined);
  }

  override newest(): Promise<{ latest: undefined; places: number }> {
    return Promise.resolve({ latest: undefined, places: 0 });
  }
  override tiles(): Promise<Buffer[]> {
    return Promise.reject(new Error('there are no tiles'));
  }

  override placeOf(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override entries(): Promise<LogEntry[]> {
    return Promise.resolve([]);
  }
}

/** Reads a log in which nothing has a place. */
export function readNothing(audit: AuditLog, clock: Clock): ReadLog {
  return new ReadLog({ store: new EmptyLog(), audit, clock, origin: 'none.example', signers: [] });
}
