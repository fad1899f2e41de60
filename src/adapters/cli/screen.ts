import { plainText } from '../../domain/text.js';

/** Where a command says what it has to say. */
export interface Screen {
  /** Resolves when more can be taken. */
  out(text: string): Promise<void>;
  err(text: string): void;
}

const TEXT_CHARACTERS_MAX = 10_000_000;

/** A line, without anything that a terminal would act on: documents and people's names come from elsewhere. */
export function say(screen: Screen, ...lines: readonly string[]): Promise<void> {
  return screen.out(lines.map((line) => `${plainText(line, TEXT_CHARACTERS_MAX)}\n`).join(''));
}

export function complain(screen: Screen, ...lines: readonly string[]): void {
  screen.err(lines.map((line) => `${plainText(line, TEXT_CHARACTERS_MAX)}\n`).join(''));
}

export function sayJson(screen: Screen, value: unknown): Promise<void> {
  return screen.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const SIZES = ['kB', 'MB', 'GB', 'TB'] as const;

/** `1 byte`, `812 bytes`, `12.3 kB`: in powers of 1,000, as disks have them. */
export function sized(bytes: number): string {
  let [value, unit] = [bytes, ''];
  for (const next of SIZES) {
    // What would be rounded to 1000 of a unit is 1 of the next.
    if (value < (unit === '' ? 1000 : 999.95)) break;
    [value, unit] = [value / 1000, next];
  }
  return unit === '' ? counted(bytes, 'byte') : `${value.toFixed(1)} ${unit}`;
}
