import { z } from 'zod';

const Fields = z.record(z.string(), z.unknown()).catch({});

/** What somebody wrote into fields of a form, without the browser's line ends; what is empty is left out. */
export function written<Name extends string>(
  body: unknown,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const fields = Fields.parse(body);
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const text = typeof value === 'string' ? value.replaceAll('\r\n', '\n').trim() : '';
    if (text !== '') found[name] = text;
  }
  return found;
}
