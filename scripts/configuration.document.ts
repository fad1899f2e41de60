import { stringify } from 'yaml';
import type { ConfigKey } from '../src/config/config.keys.js';
import { describeConfig } from '../src/config/config.keys.js';
import { isGroup, keyTable } from './key.table.js';

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs\` from src/config/config.schema.ts: change it there. -->

Hallpass reads one YAML file, which \`HALLPASS_CONFIG\` names, and environment variables over it. Either can hold all of
it. What is wrong is told at start-up, all of it at once, each mistake with its path and where it was written; Hallpass
then exits and has changed nothing.

- A variable is named after the path: \`server.publicUrl\` is \`HALLPASS_SERVER__PUBLIC_URL\`. Lists and objects are JSON
  text: \`HALLPASS_IDENTITY__ROLES__ADMIN='["sre"]'\`. A key's own variable goes over its object's.
- Unknown keys and unknown \`HALLPASS_\` variables are refused. Those that Kubernetes makes of a Service named \`hallpass\`
  are passed over.
- Relative paths start from the file's folder; without a file, from the working folder.
- Keys marked **secret** are never printed. They can be given as files instead.
- Anchors, aliases and tags of YAML are refused.
- \`hallpass-server migrate\` reads the section \`database\` only.
`;

/** `docs/configuration.md`: every key of the schema, with a file that holds an example of each. */
export function configurationDocument(): string {
  const keys = describeConfig();
  const sections = keys.filter((key) => !key.path.includes('.'));
  return [
    INTRODUCTION,
    ...sections.map((section) => sectionText(section, keys)),
    '## An example',
    'Nearly every key; where there are two ways, one is shown.',
    `\`\`\`yaml\n${stringify(exampleOf(keys), { lineWidth: 100 })}\`\`\``,
  ].join('\n\n');
}

function sectionText(section: ConfigKey, keys: readonly ConfigKey[]): string {
  const inside = keys.filter((key) => isUnder(key.path, section.path));
  return [
    `## \`${section.path}\``,
    section.description +
      (section.variable ? ` As a whole: \`${section.variable}\`, as JSON.` : ''),
    keyTable('key', inside),
  ].join('\n\n');
}

function isUnder(path: string, parent: string): boolean {
  return path.startsWith(`${parent}.`) || path.startsWith(`${parent}[].`);
}

/** Keys that exclude another one of the example. */
const LEFT_OUT = new Set([
  'notifications.channels[].url',
  'notifications.channels[].allowPrivate',
  'audit.sinks[].host',
  'audit.sinks[].port',
  'audit.sinks[].s3',
  'recordings.s3.secretAccessKey',
  'database.urlFile',
  'database.ownerUrlFile',
  'clusters[].inCluster',
  'onCall.secrets[].value',
  'audit.anchors[].file',
  'audit.anchors[].url',
  'audit.anchors[].secret',
  'audit.anchors[].secretFile',
  'audit.anchors[].s3.secretAccessKey',
  'server.port',
  'server.host',
]);

/** The configuration that the examples of all keys make together. */
export function exampleOf(keys: readonly ConfigKey[], parent = ''): Record<string, unknown> {
  const entries = keys
    .filter((key) => key.path.startsWith(parent) && !/[.]/.test(key.path.slice(parent.length)))
    .filter((key) => !LEFT_OUT.has(key.path))
    .map((key): [string, unknown] => {
      const name = key.path.slice(parent.length);
      if (key.kind === 'object') return [name, exampleOf(keys, `${key.path}.`)];
      if (isGroup(key)) return [name, [exampleOf(keys, `${key.path}[].`)]];
      return [name, key.example ?? key.fallback];
    })
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
