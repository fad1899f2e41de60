import { z } from 'zod';
import type { SlackUser } from '../domain/slack-user.js';

/** Slack leaves flags out where they say nothing, and sends `null` for some. */
const flag = z.boolean().nullish();

/**
 * The `user` of Slack's `users.info` as a {@link SlackUser}. What Slack does not say of an account that is not deleted
 * and must say (`is_bot`, the team) is no answer, and refused.
 */
export const slackUserSchema = z
  .object({
    id: z.string().regex(/^[A-Z0-9]{2,32}$/),
    team_id: z.string().regex(/^[A-Z0-9]{2,32}$/),
    name: z.string().max(1_000).optional(),
    real_name: z.string().max(1_000).optional(),
    deleted: flag,
    is_bot: z.boolean(),
    is_workflow_bot: flag,
    is_restricted: flag,
    is_ultra_restricted: flag,
    is_stranger: flag,
    is_email_confirmed: flag,
    profile: z
      .object({
        email: z.string().max(320).nullish(),
        display_name: z.string().max(1_000).nullish(),
      })
      .optional(),
  })
  .transform((user): SlackUser => {
    const { display_name: shown, email } = user.profile ?? {};
    return {
      teamId: user.team_id,
      userId: user.id,
      name: [shown, user.real_name, user.name].find(Boolean) ?? user.id,
      ...(email ? { email } : {}),
      isEmailConfirmed: user.is_email_confirmed === true,
      isDeleted: user.deleted === true,
      isBot: user.is_bot || user.is_workflow_bot === true,
      isGuest: user.is_restricted === true || user.is_ultra_restricted === true,
      isStranger: user.is_stranger === true,
    };
  });
