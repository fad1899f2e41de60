import { decompress } from '../../src/adapters/gzip/gzip.js';
import type { HttpDeps } from '../../src/adapters/http/http.module.js';
import { IssueTicket } from '../../src/app/issue-ticket.js';
import { AuditLog } from '../../src/app/ports/audit.log.js';
import { Clock } from '../../src/app/ports/clock.js';
import { Journal } from '../../src/app/ports/journal.js';
import { People } from '../../src/app/ports/people.js';
import { SessionNews } from '../../src/app/ports/session.news.js';
import { SessionStore } from '../../src/app/ports/session.store.js';
import { ReadRecordings } from '../../src/app/read-recordings.js';
import { RedeemTicket } from '../../src/app/redeem-ticket.js';
import { WatchScreen } from '../../src/app/watch-screen.js';
import type { RoleGroups } from '../../src/domain/permission.js';
import { MemoryEntry, MemoryLiveView, MemoryTickets } from './in-memory.doors.js';
import { MemoryRecordings } from './in-memory.recordings.js';
import { MemoryPresence } from './in-memory.streams.js';

/** What the API needs for streams, in memory, for tests to play. */
export interface MemoryStreams {
  readonly entry: MemoryEntry;
  readonly tickets: MemoryTickets;
  readonly presence: MemoryPresence;
  readonly live: MemoryLiveView;
  readonly recordings: MemoryRecordings;
  readonly deps: Pick<
    HttpDeps,
    'enterSession' | 'issueTicket' | 'redeemTicket' | 'watchScreen' | 'presence' | 'readRecordings'
  >;
}

export function memoryStreams(around: {
  readonly store: SessionStore;
  readonly news: SessionNews;
  readonly people: People;
  readonly log: AuditLog;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly roleGroups: RoleGroups;
}): MemoryStreams {
  const { store, roleGroups } = around;
  const entry = new MemoryEntry();
  const tickets = new MemoryTickets(around.clock);
  const presence = new MemoryPresence(around.log);
  const live = new MemoryLiveView();
  const recordings = new MemoryRecordings();
  return {
    entry,
    tickets,
    presence,
    live,
    recordings,
    deps: {
      enterSession: entry,
      issueTicket: new IssueTicket({ store, tickets }),
      redeemTicket: new RedeemTicket({ tickets, roleGroups }),
      watchScreen: new WatchScreen({ ...around, presence, live }),
      presence,
      readRecordings: new ReadRecordings({ ...around, recordings, decompress }),
    },
  };
}
