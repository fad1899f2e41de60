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

test('every scope of the manifest is explained to who installs it', () => {
  const document = readFileSync('docs/slack.md', 'utf8');
  for (const scope of manifest.oauth_config.scopes.bot) expect(document).toContain(`\`${scope}\``);
});
