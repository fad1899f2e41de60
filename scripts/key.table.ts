import type { ConfigKey } from '../src/config/config.keys.js';

/** A table of keys. An object or a list of objects has a row only where there is something to say of it as a whole. */
export function keyTable(heading: string, keys: readonly ConfigKey[]): string {
  const rows = keys
    .filter((key) => !isGroup(key) || key.description !== '')
    .map((key) => [nameCell(key), key.accepts, fallbackCell(key), description(key)].join(' | '));
  return [
    `| ${heading} | accepts | default | what |`,
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** An object or list of objects: its own keys follow it. */
export function isGroup(key: ConfigKey): boolean {
  return key.kind === 'object' || key.accepts === 'list of objects';
}

function nameCell(key: ConfigKey): string {
  const name = `\`${key.path}\``;
  return key.variable === null ? name : `${name}<br>\`${key.variable}\``;
}

function fallbackCell(key: ConfigKey): string {
  if (key.required) return '**required**';
  if (key.fallback === undefined || isGroup(key)) return '';
  return `\`${JSON.stringify(key.fallback)}\``;
}

function description(key: ConfigKey): string {
  const example = key.example === undefined ? '' : ` Example: \`${JSON.stringify(key.example)}\`.`;
  return `${key.secret ? '**Secret.** ' : ''}${key.description}${example}`.replaceAll('|', '\\|');
}
