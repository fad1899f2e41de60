import { z } from 'zod';

/** Characters that change how text reads without being seen, or that a terminal or a log would act on. */
const UNSEEN: readonly { readonly what: string; readonly in: (text: string) => boolean }[] = [
  { what: 'a NUL character', in: (text) => text.includes('\0') },
  { what: 'half a character (a lone surrogate)', in: (text) => !text.isWellFormed() },
  {
    what: 'a mark that changes the direction of text',
    in: (text) => /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/.test(text),
  },
];
// C0, DEL and C1. Prose may hold line feeds and tabs; a line may not, nor what Unicode calls separators of lines.
const CONTROL_IN_PROSE = /[\u0001-\u0008\u000b-\u001f\u007f-\u009f]/;
const CONTROL_IN_LINE = /[\u0001-\u001f\u007f-\u009f\u2028\u2029]/;

/** What is wrong with a text, as the end of a sentence about it; undefined where nothing is. */
export function textFault(text: string, kind: 'line' | 'prose'): string | undefined {
  const unseen = UNSEEN.find((it) => it.in(text));
  if (unseen) return `must not hold ${unseen.what}`;
  const control = kind === 'line' ? CONTROL_IN_LINE : CONTROL_IN_PROSE;
  if (!control.test(text)) return undefined;
  return kind === 'line'
    ? 'must be one line without control characters'
    : 'must not hold control characters other than line feeds and tabs';
}

function text(kind: 'line' | 'prose', max: number) {
  return z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must be ${max} characters (UTF-16 code units) at most`)
    .superRefine((value, context) => {
      const message = textFault(value, kind);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
}

/** One line of text for people, trimmed. */
export function line(max: number) {
  return text('line', max);
}

/** Text for people, of several lines maybe, trimmed. */
export function prose(max: number) {
  return text('prose', max);
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A DNS label (RFC 1123), as Kubernetes names namespaces and containers. */
export function dnsLabel() {
  const rule =
    'must be lower-case letters, digits and "-", beginning and ending with a letter or digit';
  return z.string().min(1, rule).max(63, 'must be 63 characters at most').regex(LABEL, rule);
}

/** A DNS subdomain (RFC 1123), as Kubernetes names Pods and workloads. */
export function dnsSubdomain() {
  const rule =
    'must be lower-case letters, digits, "-" and ".", each part beginning and ending with a letter or digit';
  return z.string().min(1, rule).max(253, 'must be 253 characters at most').regex(SUBDOMAIN, rule);
}

/** An instant: RFC 3339, UTC, with milliseconds. */
export function instant() {
  return z.iso.datetime({ precision: 3 });
}
