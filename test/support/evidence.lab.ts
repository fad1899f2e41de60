import { randomUUID } from 'node:crypto';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaReviewStore } from '../../src/adapters/prisma/prisma-review.store.js';
import { PrismaSessionLog } from '../../src/adapters/prisma/prisma-session.log.js';
import { TarArchives } from '../../src/adapters/tar/tar.archives.js';
import type { ArchiveFile } from '../../src/app/ports/archives.js';
import type { DecisionRecord } from '../../src/app/ports/session.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import type { Changes } from '../../src/app/session-step.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import { startChanges } from '../../src/app/start-session.js';
import { TakeEvidence } from '../../src/app/take-evidence.js';
import type { EvidenceVerification } from '../../src/app/verify-evidence.js';
import { verifyEvidence } from '../../src/app/verify-evidence.js';
import type { Actor } from '../../src/domain/person.js';
import { policySet } from '../../src/domain/policy/policy-set.js';
import { isProblem } from '../../src/domain/problem.js';
import type { SessionEvent } from '../../src/domain/session/session.machine.js';
import type { Session } from '../../src/domain/session/session.js';
import { ORIGIN, signerNamed } from './log.lab.js';
import { requirement } from './policies.js';
import { putInForce } from './policy.archives.js';
import { RecordingLab } from './recording.lab.js';
import { BOUNDS } from './session.bounds.js';
import { ALEX, ROBIN, SYSTEM, actorOf, grantOf, newSession } from './sessions.js';

export const AUDITOR = { iss: ROBIN.iss, sub: 'audit', groups: ['auditors'] };
export const AUDITING = { actor: actorOf(AUDITOR), roles: ['auditor'] } as const;

const SET = policySet({
  files: [
    {
      name: 'access.yaml',
      text: 'kind: AccessPolicy\nmetadata:\n  name: oncall\nspec:\n  description: "<b>whoever</b> is on call"\n',
    },
  ],
  policies: [],
  profiles: [],
  onCallSources: [],
});

/** Whole sessions on real PostgreSQL, and their evidence. Its log is sequenced all the time. */
export class EvidenceLab implements AsyncDisposable {
  readonly key = signerNamed();
  readonly archives = new TarArchives();
  readonly taking: TakeEvidence;
  readonly sequencer: SequenceLog;
  readonly log: PrismaLogStore;

  private constructor(readonly lab: RecordingLab) {
    const { database, sessions: store, store: recordings, journal } = lab;
    const clock = { now: () => new Date() };
    const signing = { origin: ORIGIN, signers: [this.key] };
    this.log = new PrismaLogStore(database);
    this.sequencer = new SequenceLog({ store: this.log, everyMs: 5, clock, journal, ...signing });
    this.taking = new TakeEvidence({
      store,
      recordings,
      reviews: new PrismaReviewStore(database),
      policies: new PrismaPolicyArchive(database),
      sessionLog: new PrismaSessionLog(database),
      audit: new PrismaAuditLog(database),
      log: this.log,
      archives: this.archives,
      decompress,
      clock,
      ...signing,
    });
  }

  static async start(): Promise<EvidenceLab> {
    const lab = new EvidenceLab(await RecordingLab.start());
    await putInForce(new PrismaPolicyArchive(lab.lab.database), SET);
    lab.sequencer.start();
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sequencer.stop();
    await this.lab[Symbol.asyncDispose]();
  }

  /** A session that was consented to and runs. */
  async active(over: Partial<Session['request']> = {}): Promise<Session> {
    const base = newSession({ grant: grantOf(SET.hash, requirement(1, 'payments-leads')) });
    const at = base.createdAt;
    const session = { ...base, request: { ...base.request, ticket: 'INC-1', ...over } };
    const decision = { by: 'policy', verdict: 'hold', explanation: ['Rule "oncall" lets you.'] };
    const asked = firstStep({
      session,
      event: 'ask',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at,
      decision: this.decision({ ...(decision as Partial<DecisionRecord>), at }),
    });
    const pending = await this.write(asked);
    const word = { by: 'person', verdict: 'approve', person: ALEX, comment: 'go <i>ahead</i>' };
    const approved = await this.step(pending, 'approve', {
      actor: actorOf(ALEX),
      decision: this.decision({ ...(word as Partial<DecisionRecord>), seenVersion: 1 }),
      data: { comment: word.comment },
    });
    const starting = await this.step(approved, 'start', {
      changes: startChanges(approved, new Date(), BOUNDS),
    });
    const startedAt = new Date();
    return this.step(starting, 'run', {
      changes: { startedAt, deadlineAt: new Date(startedAt.getTime() + 600_000) },
      data: {
        seen: 'running',
        imageId: 'sha256:abc',
        kubernetesStartedAt: startedAt.toISOString(),
      },
    });
  }

  /** Something that was shown in it, in as many chunks as texts. */
  async recorded(session: Session, ...shown: string[]): Promise<string> {
    const recorder = this.lab.recorder();
    const recording = await this.lab.open(recorder, { session });
    for (const text of shown) await recording.output('stdout', Buffer.from(text));
    await recording.finish({ exitCode: 0, why: 'exited' });
    return recording.id;
  }

  async ended(
    over: Partial<Session['request']> = {},
  ): Promise<{ session: Session; recording: string }> {
    const session = await this.active(over);
    const recording = await this.recorded(session, 'hello\r\n', '\u001b[31m<script>\u001b[0m\r\n');
    const endDetail = 'The container was ended from inside.';
    const ended = await this.step(session, 'stop', {
      changes: { endReason: 'left', endDetail },
      data: { seen: 'terminated', exitCode: 137, kubernetesReason: 'Error' },
    });
    return { session: ended, recording };
  }

  async step(
    session: Session,
    event: SessionEvent,
    more: {
      readonly actor?: Actor;
      readonly changes?: Changes;
      readonly data?: Readonly<Record<string, unknown>>;
      readonly decision?: DecisionRecord;
    } = {},
  ): Promise<Session> {
    const { actor = SYSTEM } = more;
    const capacities = ['system', 'approver', 'requester'] as const;
    const at = more.decision?.at ?? new Date();
    return this.write(stepOf({ session, event, capacities, at, ...more, actor }));
  }

  /** The archive as an auditor is given it. */
  async archive(session: Session): Promise<Buffer> {
    const taken = await this.taking.take(AUDITING, session.id);
    if (isProblem(taken)) throw new Error(taken.detail);
    return wholeOf(taken.bytes);
  }

  verify(archive: Buffer, over: { verifiers?: [] } = {}): Promise<EvidenceVerification> {
    return verifyEvidence({
      archive: this.archives.unpack(partsOf(archive)),
      verifiers: [this.key.verifier],
      decompress,
      ...over,
    });
  }

  /** The files of an archive by name. */
  async files(archive: Buffer): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>();
    for await (const { name, parts } of this.archives.unpack(partsOf(archive))) {
      files.set(name, await wholeOf(parts));
    }
    return files;
  }

  /** An archive of these files, as somebody would make who changes one. */
  async packed(files: Iterable<readonly [string, Buffer]>): Promise<Buffer> {
    async function* given(): AsyncGenerator<ArchiveFile> {
      for (const [name, bytes] of files) yield { name, bytes: bytes.length, parts: [bytes] };
    }
    return wholeOf(this.archives.pack(given(), new Date(0)));
  }

  private decision(over: Partial<DecisionRecord>): DecisionRecord {
    return {
      id: randomUUID(),
      by: 'policy',
      verdict: 'grant',
      person: null,
      comment: null,
      rule: 'oncall',
      policyHash: SET.hash,
      explanation: [],
      seenVersion: null,
      facts: null,
      at: new Date(),
      ...over,
    };
  }

  private async write(step: Parameters<RecordingLab['sessions']['write']>[0]): Promise<Session> {
    const written = await this.lab.sessions.write(step);
    if (isProblem(written)) throw new Error(written.detail, { cause: written.cause });
    return written;
  }
}

export async function wholeOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

export async function* partsOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
