import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SHORTCUT } from '../../src/adapters/slack/slack.door.js';

const Manifest = z.object({
  features: z.object({
    shortcuts: z.tuple([z.object({ callback_id: z.string() })]),
    slash_commands: z.tuple([z.object({ command: z.string(), should_escape: z.boolean() })]),
  }),
  oauth_config: z.object({ scopes: z.strictObject({ bot: z.array(z.string()) }) }),
  settings: z.object({
    socket_mode_enabled: z.boolean(),
    interactivity: z.object({ is_enabled: z.boolean() }),
  }),
});
const manifest = Manifest.parse(parse(readFileSync('deploy/slack-manifest.yaml', 'utf8')));

test('the manifest names the command and the shortcut that are listened to', () => {
  const { shortcuts, slash_commands: commands } = manifest.features;
  expect(shortcuts[0].callback_id).toBe(SHORTCUT);
  expect(commands[0]).toEqual({ command: '/debug', should_escape: false });
  expect(manifest.settings).toEqual({
    socket_mode_enabled: true,
    interactivity: { is_enabled: true },
  });
});

/** The rows of the table of scopes: scopes, and the calls that need one of them. */
const rows = readFileSync('docs/slack.md', 'utf8')
  .split('\n### Scopes\n')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split('|').slice(1, 3).map(namesIn));

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

test('the manifest asks for the scopes that are explained to who installs it, and for no others', () => {
  const explained = rows?.flatMap(([scopes = []]) => scopes) ?? [];
  const asked = explained.filter((scope) => scope !== 'users:read.email');
  expect(manifest.oauth_config.scopes.bot.toSorted()).toEqual(asked.toSorted());
});

test('what is called of Slack is what the scopes are for', () => {
  const source = readFileSync('src/adapters/slack/slack.api.ts', 'utf8');
  const called = [...source.matchAll(/'((?:auth|chat|views|users|conversations)\.\w+)'/g)];
  const explained = rows?.flatMap(([, calls = []]) => calls) ?? [];
  expect(explained.toSorted()).toEqual(
    [...new Set(called.map(([, name = '']) => name))].toSorted(),
  );
});
