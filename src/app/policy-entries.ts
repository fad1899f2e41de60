import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/audit/canonical.js';
import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import type { PolicySet } from '../domain/policy/policy.js';
import { plainText } from '../domain/text.js';

/** An audit entry holds 65,535 bytes, and a character of an error may take six of them. */
const ERRORS_MAX = 30;
const ERROR_CHARACTERS_MAX = 300;

/** Documents that were refused. */
export interface Refusal {
  readonly at: Date;
  readonly replica: string;
  /** Found in the replica's folders, or in force and of a kind that its program cannot read. */
  readonly where: 'in the folders' | 'in force';
  /** The hash of their files. */
  readonly content: string;
  readonly errors: readonly string[];
}

/** What `policy.activated` says: which set came in the place of which, and how large it is. */
export function activatedEntry(args: {
  readonly at: Date;
  readonly replica: string;
  readonly replaced: string | null;
  readonly set: PolicySet;
}): AuditEntry {
  const { at, replica, replaced, set } = args;
  return auditEntry({
    at,
    action: 'policy.activated',
    outcome: 'success',
    actor: { kind: 'system', replica },
    data: {
      from: replaced,
      to: set.hash,
      files: set.files.length,
      policies: set.policies.length,
      profiles: set.profiles.length,
      onCallSources: set.onCallSources.length,
    },
  });
}

/** What `policy.refused` says: the first errors, and how many there are. */
export function refusedEntry({ at, replica, where, content, errors }: Refusal): AuditEntry {
  return auditEntry({
    at,
    action: 'policy.refused',
    outcome: 'failure',
    actor: { kind: 'system', replica },
    data: {
      where,
      content,
      errorCount: errors.length,
      errors: errors
        .slice(0, ERRORS_MAX)
        .map((error) => plainText(error.slice(0, ERROR_CHARACTERS_MAX))),
    },
  });
}

/** The same for the same documents, refused for the same reasons on one day: all replicas together say it once a day. */
export function contentHash({ content, errors, at }: Refusal): string {
  const plain = [content, errors.map((error) => plainText(error)), at.toISOString().slice(0, 10)];
  return createHash('sha256').update(canonicalJson(plain)).digest('hex');
}
