import type { AuditSinkView, DeadLetterView } from '../../contract/audit-sink.schema.js';
import type { PutBy } from '../ports/dead.letters.js';
import type { SinkStanding } from '../ports/sink.store.js';
import type { NamedSink } from '../tend-sinks.js';

/** A sink, and how it stands for all replicas together. */
export function auditSinkView(sink: NamedSink & SinkStanding): AuditSinkView {
  const { failingSince, lastError } = sink;
  return {
    name: sink.name,
    kind: sink.kind,
    format: sink.format,
    state: failingSince !== null ? 'failing' : sink.lagEvents > 0 ? 'behind' : 'current',
    next: sink.next,
    lagEvents: sink.lagEvents,
    lagSeconds: sink.lagSeconds,
    failingSince: failingSince?.toISOString() ?? null,
    lastError: lastError && { words: lastError.words, at: lastError.at.toISOString() },
    deadLetters: sink.deadLetters,
    replaying: sink.replaying,
  };
}

export function deadLetterView(letter: PutBy): DeadLetterView {
  return {
    index: letter.index,
    id: letter.eventId,
    action: letter.action,
    reason: letter.reason,
    at: letter.at.toISOString(),
    replayAt: letter.replayAt?.toISOString() ?? null,
  };
}
