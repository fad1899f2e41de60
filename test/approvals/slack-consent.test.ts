import { expect, test } from 'vitest';
import { DecideSession } from '../../src/app/decide-session.js';
import type { SlackTerms } from '../../src/domain/policy/policy.js';
import type { SignInRule } from '../../src/domain/policy/sign-in.rule.js';
import { isProblem } from '../../src/domain/problem.js';
import { firstStep } from '../../src/app/session-step.js';
import { callerOf, ConsentLab } from '../support/consent.lab.js';
import { approvals, requirement } from '../support/policies.js';
import { BOUNDS } from '../support/session.bounds.js';
import { actorOf, ALEX, grantOf, newSession, ROBIN } from '../support/sessions.js';

const LEADS = requirement(1, 'payments-leads');

/** A word in Slack on a session that waits for one of the leads, on these terms. */
async function inSlack(
  slack: SlackTerms,
  verdict: 'approve' | 'deny',
  { channel = 'slack', signIn }: { channel?: 'slack' | 'api'; signIn?: SignInRule } = {},
) {
  const lab = new ConsentLab(approvals(LEADS));
  const { store, note, clock } = lab;
  const grant = grantOf('hash', LEADS);
  const wanted = { ...grant.terms.approvals, ...(signIn ? { signIn } : {}) };
  const session = newSession({
    state: 'pending',
    grant: { ...grant, terms: { ...grant.terms, approvals: wanted, slack } },
  });
  const at = clock.now();
  const asked = {
    ...session,
    createdAt: at,
    updatedAt: at,
    lapsesAt: new Date(at.getTime() + 60_000),
  };
  const step = {
    session: asked,
    event: 'ask',
    capacities: ['requester'],
    actor: actorOf(ROBIN),
    at,
  } as const;
  const written = await store.write(firstStep(step));
  if (isProblem(written)) throw new Error(written.detail);
  const deciding = new DecideSession({ store, people: store.people, note, clock, bounds: BOUNDS });
  const alex = callerOf(ALEX);
  const caller = { ...alex, actor: { ...alex.actor, channel } };
  const outcome = await deciding.decide(caller, written.id, { verdict, seenVersion: 1 });
  return isProblem(outcome) ? outcome.problem : outcome.state;
}

test('a consent in Slack counts where the terms say so, for the profiles that they name', async () => {
  const counts = { channels: [], consent: 'counts' } as const;
  expect(await inSlack({ ...counts, profiles: ['*'] }, 'approve')).toBe('approved');
  expect(await inSlack({ ...counts, profiles: ['sh*'] }, 'approve')).toBe('approved');
  expect(await inSlack({ ...counts, profiles: ['root'] }, 'approve')).toBe('sign-in-required');
});

test('a consent in Slack leads to the page where the terms say so', async () => {
  const page = { channels: [], consent: 'page', profiles: ['*'] } as const;
  expect(await inSlack(page, 'approve')).toBe('sign-in-required');
});

test('a consent for which the terms want a sign-in of some kind leads from Slack to the page', async () => {
  const counts = { channels: [], consent: 'counts', profiles: ['*'] } as const;
  const signIn = { acr: [], amr: [], maxAgeSeconds: 600 };
  expect(await inSlack(counts, 'approve', { signIn })).toBe('sign-in-required');
  expect(await inSlack(counts, 'deny', { signIn })).toBe('denied');
});

test('to refuse in Slack is possible whatever the terms say', async () => {
  const page = { channels: [], consent: 'page', profiles: ['*'] } as const;
  expect(await inSlack(page, 'deny')).toBe('denied');
});
