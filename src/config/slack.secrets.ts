import { resolve } from 'node:path';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { Secret } from './secret.js';
import { SECRET_FILE_BYTES_MAX } from './secret.files.js';

/** By what Slack is spoken to, and heard. */
export interface SlackSecrets {
  readonly botToken: Secret;
  readonly door:
    | { readonly mode: 'socket'; readonly appToken: Secret }
    | { readonly mode: 'http'; readonly signingSecret: Secret };
}

type File = 'botTokenFile' | 'appTokenFile' | 'signingSecretFile';

const HOLDS: Readonly<Record<File, readonly [rule: RegExp, sentence: string]>> = {
  botTokenFile: [/^xoxb-[\w-]{4,500}$/, 'what it holds must be the token of a bot (xoxb-…)'],
  appTokenFile: [/^xapp-[\w-]{4,500}$/, 'what it holds must be the token of an app (xapp-…)'],
  signingSecretFile: [
    /^[\x21-\x7e]{16,200}$/,
    'what it holds must be 16 to 200 printable ASCII characters',
  ],
};

/** The files of the section `slack`; null where it names no bot. What is wrong with them goes to `mistakes`. */
export function slackSecretsOf(
  { slack }: Pick<ConfigDocument, 'slack'>,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): SlackSecrets | null {
  if (slack?.botTokenFile === undefined) return null;
  const read = (name: File): Secret | undefined => {
    const path = ['slack', name];
    const file = slack[name];
    const found =
      file === undefined
        ? new Unreadable(`is required where \`slack.mode\` is \`${slack.mode}\``)
        : readSecret(resolve(sources.folder, file), name);
    if (found instanceof Secret) return found;
    const where = sources.whereOf(path, 'value');
    mistakes.push({ path: pathText(path), where, message: found.message });
    return undefined;
  };
  const botToken = read('botTokenFile');
  if (slack.mode === 'socket') {
    const appToken = read('appTokenFile');
    return botToken && appToken ? { botToken, door: { mode: 'socket', appToken } } : null;
  }
  const signingSecret = read('signingSecretFile');
  return botToken && signingSecret ? { botToken, door: { mode: 'http', signingSecret } } : null;
}

function readSecret(file: string, name: File): Secret | Unreadable {
  const text = readBounded(file, SECRET_FILE_BYTES_MAX);
  if (text instanceof Unreadable) return text;
  const secret = text.trim();
  const [rule, sentence] = HOLDS[name];
  return rule.test(secret) ? new Secret(secret) : new Unreadable(sentence);
}
