import { resolve } from 'node:path';
import type { SignerKey, VerifierKey } from '../domain/audit/signed.note.js';
import { readSigner, readVerifier } from '../domain/audit/signed.note.js';
import { anchorsOf } from './anchors.secrets.js';
import type { AuditConfig } from './audit.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { SECRET_FILE_BYTES_MAX } from './secret.files.js';
import { stampOf } from './watched.file.js';
import { sinksOf } from './sinks.secrets.js';

/** The section `audit` with its keys read; what is wrong with their files goes to `mistakes`. */
export function auditOf(
  { audit, server }: Pick<ConfigDocument, 'audit' | 'server'>,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): AuditConfig {
  const { keyFiles, everyMilliseconds } = audit;
  const signers: SignerKey[] = [];
  for (const [index, file] of keyFiles.entries()) {
    const path = ['audit', 'keyFiles', index];
    const key = readKey(file, path, sources);
    const isTwice = typeof key !== 'string' && signers.some((it) => isSame(it, key));
    if (typeof key !== 'string' && !isTwice) {
      signers.push(key);
      continue;
    }
    mistakes.push({
      path: pathText(path),
      where: sources.whereOf(path, 'value'),
      message: typeof key === 'string' ? key : 'holds a key that is here twice',
    });
  }
  return {
    origin: audit.origin ?? originOf(server.publicUrl),
    keyFiles: keyFiles.map((file) => resolve(sources.folder, file)),
    signers,
    formerKeys: audit.formerKeys.flatMap((text, index) => {
      const key = readVerifier(text);
      if (typeof key !== 'string') return [key];
      const path = ['audit', 'formerKeys', index];
      mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message: key });
      return [] as VerifierKey[];
    }),
    everyMilliseconds,
    anchors: anchorsOf(audit.anchors, sources, mistakes),
    sinks: sinksOf(audit.sinks, sources, mistakes),
    retention: audit.retention ?? null,
  };
}

/** Read at the start alone: which keys sign is part of the log (docs/audit.md). */
function readKey(
  named: string,
  path: readonly (string | number)[],
  { folder, files }: ConfigSources,
): SignerKey | string {
  const file = resolve(folder, named);
  const text = readBounded(file, SECRET_FILE_BYTES_MAX);
  if (text instanceof Unreadable) return text.message;
  files.push({ key: pathText(path), paths: [file], stamp: stampOf([text]), renew: null });
  const key = readSigner(text.trim());
  return typeof key === 'string' ? `what it holds ${key}` : key;
}

function isSame(one: SignerKey, other: SignerKey): boolean {
  return one.verifier.text === other.verifier.text;
}

/** Where the log is served, without the scheme, as C2SP's tlog-tiles has it. */
function originOf(publicUrl: string): string {
  const { host, pathname } = new URL(publicUrl);
  return `${host}${pathname.replace(/\/+$/, '')}/v1/audit`;
}
