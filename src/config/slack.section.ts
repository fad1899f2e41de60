import { z } from 'zod';
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
});
