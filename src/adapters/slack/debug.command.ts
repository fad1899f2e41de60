import { durationSeconds } from '../../contract/duration.schema.js';
import { dnsLabel, dnsSubdomain, textFault } from '../../contract/text.schema.js';

/** What was said after `/debug`. Whatever was left out is asked for in the modal. */
export interface DebugWords {
  readonly cluster?: string;
  readonly namespace?: string;
  /** The beginning of, or the whole, name of a workload or Pod. */
  readonly name?: string;
  readonly durationSeconds?: number;
  readonly reason?: string;
}

/** What is wrong with it, and how it is written, as a sentence. */
export interface WrongWords {
  readonly wrong: string;
}

/** Slack sends no more; a reason has room for it. */
const CHARACTERS_MAX = 2_000;
const EXAMPLE = '`/debug payments/checkout 30m pool exhausted`';
/** What `/debug help` says. With a length after it (`help 30m`) it is the namespace of that name. */
export const HELP = [
  '*`/debug`* opens a form in which you ask for a debug session.',
  '`/debug [[CLUSTER/]NAMESPACE/NAME] [LENGTH] [REASON]` fills it in before:',
  `• ${EXAMPLE}`,
  '• `/debug payments 1h30m`: a namespace, and for how long',
  '*Debug this*, in the menu of a message, opens the same form with the link to the message.',
].join('\n');
const LENGTH = /^(?:\d+[dhms])+$/i;
/** What people write for a length, and what is none here. */
const NEARLY_A_LENGTH =
  /^\d+(?:[.,]\d+)?(?:min|mins|minutes?|sec|secs|seconds?|hrs?|hours?|days?)$/i;

const label = dnsLabel();
const subdomain = dnsSubdomain();

/**
 * Reads `[[CLUSTER/]NAMESPACE/NAME] [LENGTH] [REASON]`: a word with no `/` is a namespace where nothing but a length
 * follows it. Never throws.
 */
export function parseDebugCommand(text: string): DebugWords | WrongWords {
  if (text.length > CHARACTERS_MAX) {
    return { wrong: `That is too long: ${CHARACTERS_MAX} characters at most.` };
  }
  const fault = textFault(text, 'line');
  if (fault !== undefined) return { wrong: `What follows \`/debug\` ${fault}.` };
  const [first, ...rest] = text.split(/\s+/).filter((word) => word !== '');
  if (first === undefined) return {};
  const place = placeIn(first, rest);
  if ('wrong' in place) return place;
  const timed = timeIn(rest);
  if ('wrong' in timed) return timed;
  return { ...place, ...timed };
}

export function isHelp(text: string): boolean {
  return /^(?:help|--help|-h|\?)$/i.test(text.trim());
}

export function isWrong(words: DebugWords | WrongWords): words is WrongWords {
  return 'wrong' in words;
}

function placeIn(word: string, rest: readonly string[]): DebugWords | WrongWords {
  const parts = word.split('/');
  const [namespace = '', name] = parts.slice(-2).length === 2 ? parts.slice(-2) : parts;
  const cluster = parts.length === 3 ? parts[0] : undefined;
  if (parts.length > 3 || (name === undefined && !isLengthAtMost(rest))) {
    return { wrong: `Begin with where: a namespace and a name, as in ${EXAMPLE}.` };
  }
  const isFit =
    label.safeParse(namespace).success &&
    (name === undefined || subdomain.safeParse(name).success) &&
    (cluster === undefined || subdomain.safeParse(cluster).success);
  if (!isFit) {
    return {
      wrong: `Names are lower-case letters, digits, \`-\` and \`.\`: write it as in ${EXAMPLE}.`,
    };
  }
  return {
    ...(cluster === undefined ? {} : { cluster }),
    namespace,
    ...(name === undefined ? {} : { name }),
  };
}

function isLengthAtMost(words: readonly string[]): boolean {
  return words.length === 0 || (words.length === 1 && LENGTH.test(words[0] ?? ''));
}

function timeIn(
  words: readonly string[],
): Pick<DebugWords, 'durationSeconds' | 'reason'> | WrongWords {
  const [first = '', ...others] = words;
  if (!LENGTH.test(first)) {
    if (!NEARLY_A_LENGTH.test(first)) return reasonOf(words);
    return {
      wrong: `\`${first.slice(0, 30)}\` is no length: write \`30m\`, \`1h30m\` or \`90s\`.`,
    };
  }
  const seconds = durationSeconds(first.toLowerCase());
  if (seconds === undefined) {
    return {
      wrong: `\`${first.slice(0, 30)}\` is no length: write \`30m\`, \`1h30m\` or \`90s\`.`,
    };
  }
  return { durationSeconds: seconds, ...reasonOf(others) };
}

function reasonOf(words: readonly string[]): Pick<DebugWords, 'reason'> {
  return words.length === 0 ? {} : { reason: words.join(' ') };
}
