import type { DraftErrors } from '../../app/ports/draft.reader.js';
import { DraftReader } from '../../app/ports/draft.reader.js';
import type { PolicyFile, PolicySet } from '../../domain/policy/policy.js';
import { readPolicyDocuments } from './policy.documents.js';

/** Drafts in YAML, read as the documents of a folder are; the number of files and bytes is bounded by the caller. */
export class YamlDrafts extends DraftReader {
  override read(files: readonly PolicyFile[]): PolicySet | DraftErrors {
    return readPolicyDocuments(files);
  }
}
