import type { EvidenceRecord, Given } from '../../contract/evidence.schema.js';
import { EVIDENCE_FORMAT } from '../../contract/evidence.schema.js';
import type { Person } from '../../domain/person.js';
import type { Owed } from '../../domain/review/review.js';
import { isFinal } from '../../domain/session/session.machine.js';
import type { Session } from '../../domain/session/session.js';
import type { RecordingInfo } from '../ports/recording.store.js';
import type { DecisionRecord } from '../ports/session.store.js';

/** What an archive of evidence is made of, besides events. */
export interface EvidenceParts {
  readonly takenAt: Date;
  readonly takenBy: Person;
  readonly session: Session;
  readonly decisions: readonly DecisionRecord[];
  readonly policies: EvidenceRecord['policies'];
  readonly recordings: readonly { readonly info: RecordingInfo; readonly given: Given }[];
  readonly owed: Owed | undefined;
}

/** `session.json`: the session as it is kept. Nothing of it but what is named here goes out. */
export function evidenceRecord(parts: EvidenceParts): EvidenceRecord {
  const { session, owed } = parts;
  return {
    format: EVIDENCE_FORMAT,
    takenAt: parts.takenAt.toISOString(),
    takenBy: personFacts(parts.takenBy),
    isOver: isFinal(session.state),
    session: sessionFacts(session),
    decisions: parts.decisions.map((it) => ({
      id: it.id,
      by: it.by,
      verdict: it.verdict,
      person: it.person && personFacts(it.person),
      comment: it.comment,
      rule: it.rule,
      policyVersion: it.policyHash,
      explanation: [...it.explanation],
      seenVersion: it.seenVersion,
      at: it.at.toISOString(),
    })),
    policies: parts.policies,
    recordings: parts.recordings.map(({ info, given }) => ({
      id: info.id,
      kind: info.kind,
      way: info.way,
      by: personFacts(info.person),
      mode: info.mode,
      input: info.input,
      startedAt: info.startedAt.toISOString(),
      endedAt: iso(info.endedAt),
      isAbandoned: info.isAbandoned,
      exitCode: info.end?.exitCode ?? null,
      why: info.end?.why ?? null,
      chunks: info.chunks,
      gaps: info.gaps,
      digest: Buffer.from(info.digest).toString('hex'),
      given,
    })),
    review: owed
      ? {
          dueAt: owed.dueAt.toISOString(),
          finding: owed.review?.finding ?? null,
          comment: owed.review?.comment ?? null,
          reviewer: owed.review && personFacts(owed.review.person),
          at: iso(owed.review?.at ?? null),
        }
      : null,
  };
}

function sessionFacts(session: Session): EvidenceRecord['session'] {
  const { request, pin, grant, container } = session;
  return {
    id: session.id,
    version: session.version,
    state: session.state,
    requester: personFacts(session.requester),
    request: {
      cluster: request.cluster,
      namespace: request.namespace,
      target: { ...request.target },
      container: request.container ?? null,
      profile: request.profile,
      reason: request.reason,
      ticket: request.ticket ?? null,
      durationSeconds: request.durationSeconds,
      start: request.start,
      breakGlass: request.breakGlass,
    },
    pod: pin && { name: pin.podName, uid: pin.podUid, node: pin.nodeName },
    policy: grant && {
      version: grant.policyHash,
      rule: grant.rule,
      terms: plain(grant.terms),
      profile: plain(grant.profile),
    },
    container: container && {
      name: container.name,
      image: container.image,
      imageId: container.imageId ?? null,
      timer: container.timer ?? null,
      startBy: container.startBy.toISOString(),
    },
    extensions: session.extensions,
    createdAt: session.createdAt.toISOString(),
    startedAt: iso(session.startedAt),
    deadline: iso(session.deadlineAt),
    endedAt: iso(session.endedAt),
    endReason: session.endReason,
    endDetail: session.endDetail,
  };
}

function personFacts({ iss, sub, name, email, groups }: Person) {
  return { iss, sub, name: name ?? null, email: email ?? null, groups: [...groups] };
}

/** As JSON has it: what was frozen is plain data. */
function plain(value: object) {
  return JSON.parse(JSON.stringify(value)) as Record<string, never>;
}

function iso(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
