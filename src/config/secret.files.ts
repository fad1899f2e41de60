import { resolve } from 'node:path';
import { z } from 'zod';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { HEADER_SECRET, HEADER_SECRET_RULE } from './on-call.section.js';
import type { OnCallSecret } from './secret.js';
import { Secret } from './secret.js';
import type { WatchedFile } from './watched.file.js';
import { stampOf } from './watched.file.js';

export const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** What a file has to hold, and what is said of one that holds something else. */
export interface Held {
  readonly isRight: (text: string) => boolean;
  readonly sentence: string;
}

type Sources = Pick<ConfigSources, 'files' | 'folder' | 'whereOf'>;
type KeyPath = readonly (string | number)[];

/**
 * The secret in the file that the key at `path` names, without the white space around it. When the file holds another one
 * that is right, the secret becomes that one.
 *
 * @param alike what else must be true of one that takes its place; a sentence where it is not.
 * @returns undefined where it cannot be read or holds something else, of which `mistakes` tells then.
 */
export function secretIn(
  file: string,
  { isRight, sentence }: Held,
  path: KeyPath,
  sources: Sources,
  mistakes: ConfigMistake[],
  alike: (text: string) => string | undefined = () => undefined,
): Secret | undefined {
  const held = { isRight, sentence };
  const text = readIn(file, held, path, sources, mistakes);
  if (text === undefined) return undefined;
  const secret = new Secret(text.trim());
  sources.files.push({
    ...watched(file, path, sources, text),
    renew: ([now = '']) => {
      const wrong = mistakeIn(now.trim(), held) ?? alike(now.trim());
      if (wrong === undefined) secret.renew(now.trim());
      return wrong;
    },
  });
  return secret;
}

/** The same for what is no secret and is read at the start alone. */
export function textIn(
  file: string,
  held: Held,
  path: KeyPath,
  sources: Sources,
  mistakes: ConfigMistake[],
): string | undefined {
  const text = readIn(file, held, path, sources, mistakes);
  if (text === undefined) return undefined;
  sources.files.push({ ...watched(file, path, sources, text), renew: null });
  return text.trim();
}

function watched(
  file: string,
  path: KeyPath,
  { folder }: Sources,
  text: string,
): Omit<WatchedFile, 'renew'> {
  return { key: pathText(path), paths: [resolve(folder, file)], stamp: stampOf([text]) };
}

function mistakeIn(text: string, { isRight, sentence }: Held): string | undefined {
  if (text === '') return 'is empty';
  return isRight(text) ? undefined : sentence;
}

function readIn(
  file: string,
  held: Held,
  path: KeyPath,
  sources: Sources,
  mistakes: ConfigMistake[],
): string | undefined {
  const text = readBounded(resolve(sources.folder, file), SECRET_FILE_BYTES_MAX);
  const message = text instanceof Unreadable ? text.message : mistakeIn(text.trim(), held);
  if (message === undefined && !(text instanceof Unreadable)) return text;
  mistakes.push({
    path: pathText(path),
    where: sources.whereOf(path, 'value'),
    message: message ?? '',
  });
  return undefined;
}

/** The authorities that a receiver's certificate may be by. */
export const CA: Held = {
  isRight: (text) => text.includes('-----BEGIN CERTIFICATE-----'),
  sentence: 'holds no certificate in PEM',
};

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
    const given = value === undefined ? undefined : new Secret(value);
    const found =
      valueFile === undefined ? given : secretIn(valueFile, IN_HEADERS, path, sources, mistakes);
    if (found !== undefined) secrets.set(name, { value: found, hosts });
  }
  return { secrets, mistakes };
}
