import type { Leaf } from './tree.js';
import { branch, link } from './tree.js';

/** The names of emoji that Hallpass writes. */
const EMOJI: Readonly<Record<string, string>> = {
  heavy_plus_sign: '➕',
  hourglass: '⌛',
  hourglass_flowing_sand: '⏳',
  large_green_circle: '🟢',
  leftwards_arrow_with_hook: '↩️',
  memo: '📝',
  no_entry: '⛔',
  rotating_light: '🚨',
  warning: '⚠️',
  white_check_mark: '✅',
  white_circle: '⚪',
};

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** What Slack takes for its own in mrkdwn, as much of it as Hallpass uses; whatever is in `<…>`, it may be. */
const MARK =
  /<(?<angle>[^<>\n]*)>|`(?<code>[^`\n]+)`|:(?<emoji>[a-z_]+):|(?<![\w*])\*(?<bold>[^*\n]+)\*(?![\w*])|(?<![\w~])~(?<struck>[^~\n]+)~(?![\w~])/g;

/** Slack's mrkdwn as Slack shows it. */
export function mrkdwnTree(text: string): Leaf[] {
  const leaves: Leaf[] = [];
  let from = 0;
  for (const found of text.matchAll(MARK)) {
    leaves.push(plain(text.slice(from, found.index)), marked(found));
    from = found.index + found[0].length;
  }
  leaves.push(plain(text.slice(from)));
  return leaves.filter((leaf) => leaf !== '');
}

function marked({ 0: whole, groups = {} }: RegExpExecArray): Leaf {
  const { angle, code, emoji, bold, struck } = groups;
  if (angle !== undefined) return angled(angle);
  if (code !== undefined) return branch('code', [plain(code)]);
  if (bold !== undefined) return branch('b', mrkdwnTree(bold));
  if (struck !== undefined) return branch('s', mrkdwnTree(struck));
  const sign = EMOJI[emoji ?? ''];
  return sign === undefined ? whole : branch('span', [sign], { kind: `emoji-${emoji ?? ''}` });
}

/** A link, an instant, or a mention: which is shown as loud as it would be. */
function angled(inside: string): Leaf {
  const [target = '', label] = inside.split('|', 2);
  const date = /^!date\^(\d{1,12})\^/.exec(target);
  if (date) return branch('time', [instantText(Number(date[1]))]);
  if (/^[!@#]/.test(target))
    return branch('span', [`@${plain(label ?? target.slice(1))}`], { kind: 'mention' });
  return link(plain(target), [plain(label ?? target)]);
}

function plain(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** `28 Nov 15:04`, in the time zone of whoever looks. */
export function instantText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}
