import { createHash } from 'node:crypto';
import type { EvidenceRecord, Given } from '../contract/evidence.schema.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import type { AuditEntry } from '../domain/audit/entry.js';
import type { LoggedEvent } from '../domain/audit/logged.event.js';
import { loggedEvent } from '../domain/audit/logged.event.js';
import type { SignerKey } from '../domain/audit/signed.note.js';
import {
  ARCHIVE_FILES,
  droppedFile,
  eventFile,
  policyFile,
  proofFile,
} from '../domain/evidence/archive.names.js';
import { writeSums } from '../domain/evidence/sums.file.js';
import { toldContainers } from '../domain/evidence/told.containers.js';
import type { PolicyFile } from '../domain/policy/policy.js';
import { displayName } from '../domain/person.js';
import { EvidenceProofs } from './evidence.proofs.js';
import type { EvidenceRecordings, RecordedFiles } from './evidence.recordings.js';
import { evidenceReadme } from './evidence.readme.js';
import type { ArchiveFile } from './ports/archives.js';
import type { LogStore, SignedHead } from './ports/log.store.js';
import type { PolicyArchive } from './ports/policy.archive.js';
import type { RecordingInfo, ScreenLine } from './ports/recording.store.js';
import type { SessionEntry } from './ports/session.log.js';
import type { EvidenceParts } from './views/evidence.view.js';
import { evidenceRecord } from './views/evidence.view.js';
import { evidencePage } from './views/evidence.page.js';

/** All that an archive is made of. */
export interface EvidenceSource extends Omit<EvidenceParts, 'takenAt' | 'policies' | 'recordings'> {
  readonly at: Date;
  readonly origin: string;
  /** Each with its place, in its order. */
  readonly entries: readonly SessionEntry[];
  readonly recordings: readonly RecordingInfo[];
  readonly isReader: boolean;
  readonly screens: ReadonlyMap<string, readonly ScreenLine[]>;
}

/** Everything but what only the log can add: the checkpoint, the proofs, and the event of the taking. */
export interface PreparedEvidence {
  readonly entries: readonly SessionEntry[];
  readonly texts: ReadonlyMap<string, Buffer>;
  readonly recorded: readonly RecordedFiles[];
  readonly recordings: readonly { readonly recording: string; readonly given: Given }[];
  /** The text of `SHA256SUMS`. */
  readonly sums: string;
  readonly count: number;
  /** Of the texts. */
  readonly bytes: number;
}

/** Makes the files of an archive of evidence. */
export class EvidenceWriter {
  constructor(
    private readonly deps: {
      readonly log: LogStore;
      readonly policies: Pick<PolicyArchive, 'files'>;
      readonly recorded: EvidenceRecordings;
      readonly signers: readonly SignerKey[];
    },
  ) {}

  async prepare(source: EvidenceSource): Promise<PreparedEvidence> {
    const { entries, at, takenBy, session, origin } = source;
    const events = entries.flatMap(({ index, body }) =>
      index === null || body.length === 0 ? [] : [loggedEvent(index, body)],
    );
    const recorded: RecordedFiles[] = [];
    const recordings: { info: RecordingInfo; given: Given }[] = [];
    for (const info of source.recordings) {
      const files = await this.recordedOf(info, source.isReader);
      if (typeof files !== 'string') recorded.push(files);
      recordings.push({ info, given: typeof files === 'string' ? files : 'whole' });
    }
    const policies = await this.policiesOf(source, events);
    const record = evidenceRecord({
      ...source,
      takenAt: at,
      recordings,
      policies: [...policies].map(([version, files]) => ({
        version,
        isGiven: files !== undefined,
      })),
    });
    const containers = toldContainers(events);
    const texts = new Map<string, Buffer>();
    const put = (name: string, text: string | Buffer) => texts.set(name, Buffer.from(text));
    put(
      ARCHIVE_FILES.readme,
      evidenceReadme({
        session: session.id,
        origin,
        takenAt: record.takenAt,
        takenBy: displayName(takenBy),
      }),
    );
    put(
      ARCHIVE_FILES.page,
      evidencePage({ record, events, containers, policies, screens: source.screens, origin }),
    );
    put(ARCHIVE_FILES.session, pretty(record));
    put(ARCHIVE_FILES.containers, pretty(containers));
    const keys = this.deps.signers.map(({ verifier }) => `${verifier.text}\n`).join('');
    put(ARCHIVE_FILES.keys, keys);
    for (const [hash, files] of policies) if (files) put(policyFile(hash), policyText(files));
    for (const { index, body, leafHash } of entries) {
      if (index === null) continue;
      if (body.length > 0) put(eventFile(index), body);
      else put(droppedFile(index), `${leafHash.toString('hex')}\n`);
    }
    const sums = new Map([...texts].map(([name, text]) => [name, sha256(text)]));
    for (const files of recorded) for (const [name, sum] of files.sums) sums.set(name, sum);
    return {
      entries,
      texts,
      recorded,
      recordings: recordings.map(({ info, given }) => ({ recording: info.id, given })),
      sums: writeSums(sums),
      count: sums.size,
      bytes: [...texts.values()].reduce((sum, text) => sum + text.length, 0),
    };
  }

  /** The files in the order in which they are read best: what is signed first, what is long last. */
  async *files(
    { texts, entries, recorded, sums }: PreparedEvidence,
    { head, taken, index }: { head: SignedHead; taken: AuditEntry; index: number },
  ): AsyncGenerator<ArchiveFile> {
    const { readme, page, session, containers, keys, checkpoint } = ARCHIVE_FILES;
    const proofs = new EvidenceProofs(this.deps.log, head);
    for (const name of [readme, page, session, containers, keys]) {
      yield fileOf(name, texts.get(name) ?? Buffer.alloc(0));
    }
    yield fileOf(checkpoint, Buffer.from(head.note));
    yield fileOf(ARCHIVE_FILES.sums, Buffer.from(sums));
    const all = [...entries, { index, body: taken.body }];
    for (const { index: at, body } of all.sort((a, b) => Number(a.index) - Number(b.index))) {
      if (at === null) continue;
      const name = body.length > 0 ? eventFile(at) : droppedFile(at);
      yield fileOf(name, texts.get(name) ?? body);
      yield fileOf(proofFile(at), Buffer.from(await proofs.of(at)));
    }
    for (const [name, text] of texts) if (name.startsWith('policies/')) yield fileOf(name, text);
    for (const { files } of recorded) yield* files();
  }

  private async recordedOf(
    info: RecordingInfo,
    isReader: boolean,
  ): Promise<RecordedFiles | Exclude<Given, 'whole'>> {
    if (!isReader) return 'not-allowed';
    if (info.droppedAt) return 'dropped';
    return (await this.deps.recorded.files(info)) ?? 'broken';
  }

  /** The texts of every version that said something about the session. */
  private async policiesOf(
    { session, decisions }: EvidenceSource,
    events: readonly LoggedEvent[],
  ): Promise<Map<string, readonly PolicyFile[] | undefined>> {
    const hashes = new Set<string>();
    if (session.grant) hashes.add(session.grant.policyHash);
    for (const { policyHash } of decisions) if (policyHash !== null) hashes.add(policyHash);
    for (const { fields } of events) for (const hash of versionsIn(fields)) hashes.add(hash);
    const found = new Map<string, readonly PolicyFile[] | undefined>();
    for (const hash of [...hashes].sort()) found.set(hash, await this.deps.policies.files(hash));
    return found;
  }
}

const HASH = /^[0-9a-f]{64}$/;

/** The policy versions that an event names: that of the grant, and one that refused. */
function versionsIn(fields: LoggedEvent['fields']): string[] {
  const { policy, data } = fields as {
    readonly policy?: { readonly version?: unknown };
    readonly data?: { readonly policy?: unknown };
  };
  return [policy?.version, data?.policy].filter(
    (it): it is string => typeof it === 'string' && HASH.test(it),
  );
}

/** What the hash of a policy version is of: its files' names and texts as canonical JSON. */
function policyText(files: readonly PolicyFile[]): string {
  return canonicalJson(files.map(({ name, text }) => ({ name, text })));
}

function pretty(value: EvidenceRecord | object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function fileOf(name: string, bytes: Buffer): ArchiveFile {
  return { name, bytes: bytes.length, parts: [bytes] };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
