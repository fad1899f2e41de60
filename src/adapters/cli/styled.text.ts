import { styleText } from 'node:util';
import { plainText } from '../../domain/text.js';
import type { Output } from './client.world.js';

/** How a part of a line looks, where colours are shown. What it says must be clear without. */
export const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const;
export type Style = (typeof STYLES)[number];

export interface Styled {
  readonly text: string;
  readonly style: Style;
}
export type Span = string | Styled;
export type Line = Span | readonly Span[];

const LINE_CHARACTERS_MAX = 10_000;

export function styled(style: Style, text: string): Styled {
  return { text, style };
}

/** What a span says, on one line and without anything that a terminal would act on. */
export function spanText(span: Span): string {
  const text = typeof span === 'string' ? span : span.text;
  return plainText(text, LINE_CHARACTERS_MAX).replaceAll(/[\n\t]+/g, ' ');
}

/** A line as it is written to `to`: in colours where that is a terminal and NO_COLOR does not forbid it. */
export function lineText(line: Line, to: Output): string {
  const spans: readonly Span[] = typeof line === 'string' || !('length' in line) ? [line] : line;
  return spans
    .map((span) =>
      typeof span === 'string'
        ? spanText(span)
        : styleText(span.style, spanText(span), { stream: to }),
    )
    .join('');
}

/** Rows under their heads, in columns as wide as what is in them; the last column as it comes. */
export function table(heads: readonly string[], rows: readonly (readonly Span[])[]): Line[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => spanText(row[column] ?? '').length)),
  );
  const lineOf = (row: readonly Span[]): Line =>
    row.flatMap((span, column) => {
      const gap = (widths[column] ?? 0) + 2 - spanText(span).length;
      return column === row.length - 1 ? [span] : [span, ' '.repeat(gap)];
    });
  return [lineOf(heads.map((head) => styled('bold', head))), ...rows.map(lineOf)];
}

/** Names and what they stand for, one below the other; those that stand for nothing are left out. */
export function facts(pairs: readonly (readonly [string, Line | undefined])[]): Line[] {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.flatMap(([name, line]) => {
    if (line === undefined || line === '') return [];
    const spans = typeof line === 'string' || !('length' in line) ? [line] : line;
    return [[styled('dim', `${name.padEnd(width)}  `), ...spans]];
  });
}
