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

/** What a file has to hold, and what is said of one that holds something else. */
export interface Held {
  readonly isRight: (text: string) => boolean;
  readonly sentence: string;
}

/**
 * What the file that the key at `path` names holds, without the white space around it.
 *
 * @returns undefined where it cannot be read or holds something else, of which `mistakes` tells then.
 */
export function heldIn(
  file: string,
  { isRight, sentence }: Held,
  path: readonly (string | number)[],
  sources: Pick<ConfigSources, 'folder' | 'whereOf'>,
  mistakes: ConfigMistake[],
): string | undefined {
  const text = readBounded(resolve(sources.folder, file), SECRET_FILE_BYTES_MAX);
  const held = text instanceof Unreadable ? undefined : text.trim();
  if (held !== undefined && isRight(held)) return held;
  mistakes.push({
    path: pathText(path),
    where: sources.whereOf(path, 'value'),
    message: text instanceof Unreadable ? text.message : sentence,
  });
  return undefined;
}

/** What a header can take. */
const IN_HEADERS: Held = {
  isRight: (text) => HEADER_SECRET.test(text),
  sentence: `what it holds ${HEADER_SECRET_RULE}`,
};

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
    const path = ['onCall', 'secrets', index, 'valueFile'];
    const found =
      valueFile === undefined ? value : heldIn(valueFile, IN_HEADERS, path, sources, mistakes);
    if (found !== undefined) secrets.set(name, { value: new Secret(found), hosts });
  }
  return { secrets, mistakes };
}
