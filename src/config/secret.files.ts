import { resolve } from 'node:path';
import { z } from 'zod';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { HEADER_SECRET, HEADER_SECRET_RULE } from './on-call.section.js';
import type { OnCallSecret } from './secret.js';
import { Secret } from './secret.js';

export const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** Whatever an item of the list is: what is wrong with it is the schema's to tell. */
const Listed = z
  .object({
    name: z.string().catch(''),
    value: z.string().optional().catch(undefined),
    valueFile: z.string().min(1).optional().catch(undefined),
    hosts: z.array(z.string()).catch([]),
  })
  .catch({ name: '', hosts: [] });

/**
 * The secrets of `onCall.secrets` by name, those in files read. Takes whatever stands there, so that what is wrong with
 * the files is told beside the schema's mistakes; the schema tells of the rest.
 */
export function readOnCallSecrets(
  listed: unknown,
  sources: ConfigSources,
): {
  readonly secrets: ReadonlyMap<string, OnCallSecret>;
  readonly mistakes: readonly ConfigMistake[];
} {
  const secrets = new Map<string, OnCallSecret>();
  const mistakes: ConfigMistake[] = [];
  for (const [index, item] of (Array.isArray(listed) ? listed : []).entries()) {
    const { name, value, valueFile, hosts } = Listed.parse(item);
    const found = valueFile === undefined ? value : readSecret(resolve(sources.folder, valueFile));
    if (typeof found === 'string') secrets.set(name, { value: new Secret(found), hosts });
    if (found instanceof Unreadable) {
      const path = ['onCall', 'secrets', index, 'valueFile'];
      const where = sources.whereOf(path, 'value');
      mistakes.push({ path: pathText(path), where, message: found.message });
    }
  }
  return { secrets, mistakes };
}

/** What the file holds, without the white space around it. */
function readSecret(file: string): string | Unreadable {
  const text = readBounded(file, SECRET_FILE_BYTES_MAX);
  if (text instanceof Unreadable) return text;
  const secret = text.trim();
  return HEADER_SECRET.test(secret)
    ? secret
    : new Unreadable(`what it holds ${HEADER_SECRET_RULE}`);
}
