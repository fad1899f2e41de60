import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import type { Secret } from './secret.js';
import { secretIn } from './secret.files.js';

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
    if (file === undefined) {
      const message = `is required where \`slack.mode\` is \`${slack.mode}\``;
      mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message });
      return undefined;
    }
    const [rule, sentence] = HOLDS[name];
    const isRight = (text: string) => rule.test(text);
    return secretIn(file, { isRight, sentence }, path, sources, mistakes);
  };
  const botToken = read('botTokenFile');
  if (slack.mode === 'socket') {
    const appToken = read('appTokenFile');
    return botToken && appToken ? { botToken, door: { mode: 'socket', appToken } } : null;
  }
  const signingSecret = read('signingSecretFile');
  return botToken && signingSecret ? { botToken, door: { mode: 'http', signingSecret } } : null;
}
