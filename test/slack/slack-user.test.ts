import { describe, expect, test } from 'vitest';
import { slackUserSchema } from '../../src/contract/slack-user.schema.js';
import { whyNotServed } from '../../src/domain/slack-user.js';

const MEMBER = {
  id: 'U0ROBIN',
  team_id: 'T0HALLPASS',
  name: 'robin',
  real_name: 'Robin Requester',
  deleted: false,
  is_bot: false,
  is_restricted: false,
  is_ultra_restricted: false,
  is_email_confirmed: true,
  profile: { display_name: '', email: 'robin@example.com' },
};

const refusal = (user: object) => whyNotServed(slackUserSchema.parse(user), 'T0HALLPASS');

describe('what Slack says of an account', () => {
  test('is read, with the name that people see', () => {
    expect(slackUserSchema.parse(MEMBER)).toEqual({
      teamId: 'T0HALLPASS',
      userId: 'U0ROBIN',
      name: 'Robin Requester',
      email: 'robin@example.com',
      isEmailConfirmed: true,
      isDeleted: false,
      isBot: false,
      isGuest: false,
      isStranger: false,
    });
    expect(refusal(MEMBER)).toBeUndefined();
  });

  test.each([
    ['deleted'],
    ['is_bot'],
    ['is_workflow_bot'],
    ['is_restricted'],
    ['is_ultra_restricted'],
    ['is_stranger'],
  ])('keeps it out where %s is true', (flag) => {
    expect(refusal({ ...MEMBER, [flag]: true })?.problem).toBe('slack-account-refused');
  });

  test('keeps out Slackbot, and other workspaces', () => {
    expect(refusal({ ...MEMBER, id: 'USLACKBOT' })?.problem).toBe('slack-account-refused');
    expect(refusal({ ...MEMBER, team_id: 'T0OTHER' })?.problem).toBe('slack-account-refused');
  });

  test.each(['id', 'team_id', 'is_bot'] as const)('is no answer without %s', (key) => {
    const { [key]: _, ...rest } = MEMBER;
    expect(slackUserSchema.safeParse(rest).success).toBe(false);
  });

  test('an e-mail that is not said to be confirmed is not', () => {
    const { is_email_confirmed: _, ...rest } = MEMBER;
    expect(slackUserSchema.parse(rest).isEmailConfirmed).toBe(false);
  });
});
