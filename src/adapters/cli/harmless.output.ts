const ESC = '\u001b';
const BEL = '\u0007';
/** CAN and SUB: what was begun is given up (ECMA-48 §8.3.6, xterm). */
const GIVEN_UP: ReadonlySet<string> = new Set('\u0018\u001a');
/** Controls of 8 bits, each of which is an escape sequence as well (ECMA-48 §5.3). */
const C1 = /[\u0080-\u009f]/g;
/** All that passes as it is, wherever nothing was begun. */
const PLAIN = /^[\t\n\r\u0020-\u007e\u00a0-\uffff]*$/;

/** Controls that move the cursor, ring, or choose a character set. Left out is ENQ, which a terminal answers. */
const CONTROLS: ReadonlySet<string> = new Set(`${BEL}\b\t\n\u000b\f\r\u000e\u000f`);
/** What begins a string (DCS, SOS, OSC, PM, APC): clipboard, titles, links, queries. `k` is the title of screen and tmux. */
const STRINGS: ReadonlySet<string> = new Set('PX]^_k');
/** Keep and restore the cursor, IND, NEL, HTS, RI. */
const ESCAPES: ReadonlySet<string> = new Set('78DEHM');
/** What stands between ESC and a last character: choosing character sets, heights of lines, DECALN. */
const MIDDLES: ReadonlySet<string> = new Set('()*+#');

/** Control sequences that move, erase, scroll and colour. Left out is what is answered, prints, or moves windows. */
const FINALS: ReadonlySet<string> = new Set('@ABCDEFGHIJKLMPSTXZ`abdefgmrsu');
/** Erasing all but what is protected. */
const PRIVATE_FINALS: ReadonlySet<string> = new Set('JK');
const MODE_FINALS: ReadonlySet<string> = new Set('hl');
const PRIVATE_MODE_FINALS: ReadonlySet<string> = new Set('hlrs');
/** Inserting. Left out is 2, which locks the keyboard. */
const MODES: ReadonlySet<string> = new Set(['4']);
/** Modes of what is shown. Left out are the mouse, focus, pastes, and all else that has a terminal send bytes. */
const PRIVATE_MODES: ReadonlySet<string> = new Set(
  ['6', '7', '12', '25', '69'].concat(['47', '1047', '1048', '1049', '2026']),
);
const SEQUENCE_CHARACTERS_MAX = 256;

/** Modes, margins, colours and character sets as they are at first (DECSTR): what was on the screen stays. */
export const SOFT_RESET = `${ESC}[!p`;
/** In place of a full reset, which would take with it what the terminal showed before. */
const CLEARED = `${SOFT_RESET}${ESC}[H${ESC}[2J`;

/**
 * What a program wrote to its terminal, made fit for the terminal of somebody else, who has not run it: text, and
 * sequences that are known to do no more than draw. Left out are all others: whatever a terminal answers, strings (the
 * clipboard, titles), modes that have it send bytes, and erasing what has scrolled away. Sequences may be cut apart
 * between two parts; one that passes, passes whole.
 */
export class HarmlessOutput {
  private state: 'ground' | 'escape' | 'control' | 'string' = 'ground';
  private begun = '';

  pass(text: string): string {
    if (this.state === 'ground' && PLAIN.test(text)) return text;
    let shown = '';
    for (const character of text.replaceAll(C1, asEscape)) shown += this.take(character);
    return shown;
  }

  private take(character: string): string {
    if (character === ESC) return this.go('escape');
    if (GIVEN_UP.has(character)) return this.go('ground');
    if (this.state === 'string') return character === BEL ? this.go('ground') : '';
    // Terminals act on controls in the middle of a sequence as well.
    if (character < ' ') return CONTROLS.has(character) ? character : '';
    if (character === '\u007f') return '';
    if (this.state === 'ground') return character;
    if (character > '\u007f') return this.go('ground', character);
    const isFinal = character >= (this.state === 'escape' ? '0' : '@');
    if (isFinal) return this.state === 'escape' ? this.escaped(character) : this.ended(character);
    // One that is too long is none that we know, at whatever it ends.
    if (this.begun.length <= SEQUENCE_CHARACTERS_MAX) this.begun += character;
    return '';
  }

  private escaped(final: string): string {
    const { begun } = this;
    if (begun !== '') return this.go('ground', MIDDLES.has(begun) ? ESC + begun + final : '');
    if (final === '[') return this.go('control');
    if (STRINGS.has(final)) return this.go('string');
    if (final === 'c') return this.go('ground', CLEARED);
    return this.go('ground', ESCAPES.has(final) ? ESC + final : '');
  }

  private ended(final: string): string {
    return this.go('ground', controlSequence(this.begun, final));
  }

  private go(state: HarmlessOutput['state'], shown = ''): string {
    this.state = state;
    this.begun = '';
    return shown;
  }
}

/** The sequence, or as much of it as only draws. */
function controlSequence(begun: string, final: string): string {
  if (`${ESC}[${begun}${final}` === SOFT_RESET) return SOFT_RESET;
  const [whole, mark, numbers = ''] = /^(\??)([0-9;:]*)$/.exec(begun) ?? [];
  if (whole === undefined || whole.length > SEQUENCE_CHARACTERS_MAX) return '';
  const isPrivate = mark === '?';
  if ((isPrivate ? PRIVATE_MODE_FINALS : MODE_FINALS).has(final)) {
    const known = isPrivate ? PRIVATE_MODES : MODES;
    const modes = numbers.split(';').filter((mode) => known.has(mode));
    return modes.length === 0 ? '' : `${ESC}[${mark}${modes.join(';')}${final}`;
  }
  // 3 erases what has scrolled away (xterm).
  if (final === 'J' && numbers.includes('3')) return '';
  return (isPrivate ? PRIVATE_FINALS : FINALS).has(final) ? `${ESC}[${begun}${final}` : '';
}

function asEscape(control: string): string {
  return ESC + String.fromCharCode(control.charCodeAt(0) - 0x40);
}
