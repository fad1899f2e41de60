import { z } from 'zod';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { seconds } from './fields.js';

export const slackSection = z.strictObject({
  teamId: z
    .string()
    .regex(/^T[A-Z0-9]{2,31}$/, 'must be the id of a workspace, such as T0123ABCD')
    .meta({
      description: 'The one workspace whose members are served.',
      examples: ['T0123ABCD'],
    }),
  signInMaxAgeSeconds: seconds(300, 30 * 86_400)
    .default(12 * 3600)
    .meta({
      description:
        'How long ago somebody who acts from Slack may have got their newest token, in seconds. Then they sign in again.',
      examples: [28_800],
    }),
  matchEmail: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Whether a Slack account that was never tied to anybody speaks for the one person who has its confirmed e-mail. ' +
        'Whoever can change e-mails in Slack, or at an issuer, can then act as others.',
      examples: [true],
    }),
  securityChannel: z
    .string()
    .regex(/^[CG][A-Z0-9]{2,31}$/, 'must be the id of a channel, such as C0123ABCD')
    .exactOptional()
    .meta({
      description:
        'The channel that hears of broken glass, overdue reviews, sessions that do not end, bypasses, and an audit log that fails.',
      examples: ['C0123ABCD'],
    }),
  mode: z
    .enum(['socket', 'http'])
    .default('socket')
    .meta({
      description:
        'How Slack reaches Hallpass: by a WebSocket that Hallpass opens, or by posting to `/slack/events` under `server.publicUrl`.',
      examples: ['http'],
    }),
  botTokenFile: z
    .string()
    .min(1)
    .exactOptional()
    .meta({
      description:
        'A file that holds the token of the bot (`xoxb-…`). Without it nothing is asked or consented in Slack: accounts are only tied.',
      examples: ['/run/secrets/slack-bot-token'],
    }),
  appTokenFile: z
    .string()
    .min(1)
    .exactOptional()
    .meta({
      description:
        'A file that holds the token of the app (`xapp-…`, scope `connections:write`), for the mode `socket`.',
      examples: ['/run/secrets/slack-app-token'],
    }),
  signingSecretFile: z
    .string()
    .min(1)
    .exactOptional()
    .meta({
      description: 'A file that holds the signing secret of the app, for the mode `http`.',
      examples: ['/run/secrets/slack-signing-secret'],
    }),
  apiUrl: z
    .string()
    .regex(/\/$/, 'must end with a slash')
    .refine(isSecureUrl, SECURE_URL_RULE)
    .exactOptional()
    .meta({
      description: "Slack's Web API, where it is not Slack's own: for sandboxes.",
      examples: ['http://127.0.0.1:4003/api/'],
    }),
});
