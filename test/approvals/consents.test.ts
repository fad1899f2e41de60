import { describe, expect, test } from 'vitest';
import { allowedActions } from '../../src/app/views/allowed-actions.js';
import { sessionView } from '../../src/app/views/session.view.js';
import type { Person } from '../../src/domain/person.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { callerOf, ConsentLab } from '../support/consent.lab.js';
import { BOUNDS } from '../support/session.bounds.js';
import { approvals, requirement } from '../support/policies.js';
import { ROBIN } from '../support/sessions.js';

const LEADS = requirement(1, 'leads');
const SECURITY = requirement(1, 'security');
const APPROVE = { verdict: 'approve' } as const;
const DENY = { verdict: 'deny' } as const;
const RETRACT = { verdict: 'retract' } as const;

function person(sub: string, ...groups: string[]): Person {
  return { iss: ROBIN.iss, sub, groups };
}
const LEA = person('lea', 'leads');
const LEO = person('leo', 'leads');
const SEC = person('sec', 'security');
const BOTH = person('both', 'leads', 'security');
const MAY = person('may', 'managers');
const NONE = person('lea');

const LATE = { groups: ['managers'], users: [], afterSeconds: 600 };

async function offered(lab: ConsentLab, who: Person, session: Session): Promise<string[]> {
  return allowedActions(callerOf(who), session, await lab.store.consents(session.id));
}

async function view(lab: ConsentLab, session: Session) {
  const { approvals } = sessionView(callerOf(LEA), session, await lab.store.consents(session.id));
  return approvals;
}

describe('several requirements', () => {
  test('are met by distinct people, one for each', async () => {
    const lab = new ConsentLab(approvals(LEADS, SECURITY));
    const asked = await lab.ask(ROBIN);
    const half = await lab.said(BOTH, asked, APPROVE);
    expect(half.state).toBe('pending');
    expect(await view(lab, half)).toMatchObject({ needed: 2, given: ['both'], open: [SECURITY] });
    expect((await lab.said(LEA, half, APPROVE)).state).toBe('approved');
  });

  test('a consent that adds nothing is refused, and told what is open and of whom', async () => {
    const lab = new ConsentLab(approvals(LEADS, SECURITY));
    const half = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    const leo = await lab.say(LEO, half, APPROVE);
    expect(leo).toMatchObject({
      problem: 'already-decided',
      detail: `What your groups can give is given to the session ${half.id}. Still open: one of security.`,
    });
    expect(await lab.say(LEA, half, APPROVE)).toMatchObject({
      problem: 'already-decided',
      detail: `You consented already to the session ${half.id}. Still open: one of security.`,
    });
    expect(await offered(lab, LEO, half)).toEqual(['deny']);
    expect(await offered(lab, LEA, half)).toEqual(['deny', 'retract']);
    expect(await offered(lab, SEC, half)).toEqual(['approve', 'deny']);
  });

  test.each([
    ['a person of one requirement', LEO],
    ['a person of another', SEC],
    ['a person of whom no consent is needed', person('eye', 'watchers')],
  ])('one denial ends it, whatever was given: by %s', async (_who, denier) => {
    const lab = new ConsentLab(approvals(LEADS, SECURITY, requirement(0, 'watchers')));
    const half = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    const denied = await lab.said(denier, half, { ...DENY, comment: 'not today' });
    expect(denied).toMatchObject({ state: 'denied', endDetail: expect.stringContaining('not') });
  });
});

describe('whoever asked', () => {
  test('does not consent with another account of theirs, and is not offered to', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const asked = await lab.ask({ ...ROBIN, human: 'robin' });
    const other = { ...person('robin-admin', 'leads'), human: 'robin' };
    for (const word of [APPROVE, DENY]) {
      expect(await lab.say(other, asked, word)).toMatchObject({ problem: 'forbidden' });
    }
    expect(await offered(lab, other, asked)).not.toContain('approve');
  });

  test('does not, though it became known only afterwards whose the account is', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const asked = await lab.ask(ROBIN);
    await lab.note.note(callerOf({ ...ROBIN, human: 'robin' }, 5));
    const other = { ...person('robin-admin', 'leads'), human: 'robin' };
    expect(await lab.say(other, asked, APPROVE)).toMatchObject({ problem: 'forbidden' });
  });

  test('two accounts of somebody else count once', async () => {
    const lab = new ConsentLab(approvals(requirement(2, 'leads')));
    const lea = { ...LEA, human: 'lea' };
    const half = await lab.said(lea, await lab.ask(ROBIN), APPROVE);
    const again = await lab.say({ ...LEO, human: 'lea' }, half, APPROVE);
    expect(again).toMatchObject({ problem: 'already-decided' });
  });
});

describe('an approver who has lost the group since', () => {
  const TWO = approvals(requirement(2, 'leads'));

  test('does not count when the last consent arrives', async () => {
    const lab = new ConsentLab(TWO);
    const half = await lab.said(LEA, await lab.ask(ROBIN), { ...APPROVE, issuedAt: 1 });
    await lab.note.note(callerOf(NONE, 2));
    const still = await lab.said(LEO, half, APPROVE);
    expect(still.state).toBe('pending');
    expect(await view(lab, still)).toMatchObject({ given: ['leo'], open: [LEADS] });
  });

  test('counts again with the group, and whoever may decide can then bring it to its end', async () => {
    const lab = new ConsentLab(TWO);
    const half = await lab.said(LEA, await lab.ask(ROBIN), { ...APPROVE, issuedAt: 1 });
    await lab.note.note(callerOf(NONE, 2));
    const still = await lab.said(LEO, half, APPROVE);
    await lab.note.note(callerOf(LEA, 3));
    expect(await offered(lab, LEO, still)).toContain('approve');
    expect((await lab.said(LEO, still, APPROVE)).state).toBe('approved');
  });

  test('cannot consent with a token from before', async () => {
    const lab = new ConsentLab(TWO);
    const asked = await lab.ask(ROBIN);
    await lab.note.note(callerOf(NONE, 2));
    expect(await lab.say(LEA, asked, { ...APPROVE, issuedAt: 1 })).toMatchObject({
      problem: 'forbidden',
    });
  });

  test('counts by the token that they consent with, where an older one said otherwise', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const asked = await lab.ask(ROBIN);
    await lab.note.note(callerOf(NONE, 2));
    expect((await lab.said(LEA, asked, { ...APPROVE, issuedAt: 3 })).state).toBe('approved');
  });

  test('is still named among those who consented once it was approved', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const approved = await lab.said(LEA, await lab.ask(ROBIN), { ...APPROVE, issuedAt: 1 });
    await lab.note.note(callerOf(NONE, 2));
    expect(await view(lab, approved)).toMatchObject({ given: ['lea'], open: [] });
  });

  test('nothing is counted that could not be kept first', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const asked = await lab.ask(ROBIN);
    lab.store.people.broken = new Error('database away');
    await expect(lab.say(LEA, asked, APPROVE)).rejects.toThrow('database away');
    expect(await lab.read(asked.id)).toEqual(asked);
  });
});

describe('a comment', () => {
  test('is asked for where the terms say so: of a consent, and of nothing else', async () => {
    const lab = new ConsentLab({ ...approvals(LEADS), commentRequired: true });
    const asked = await lab.ask(ROBIN);
    expect(await lab.say(LEA, asked, APPROVE)).toMatchObject({
      problem: 'invalid-fields',
      errors: [{ path: '/comment' }],
    });
    expect((await view(lab, asked)).commentRequired).toBe(true);
    const approved = await lab.said(LEA, asked, { ...APPROVE, comment: 'I watch' });
    const pending = await lab.said(LEA, approved, RETRACT);
    expect((await lab.said(LEO, pending, DENY)).state).toBe('denied');
  });
});

describe('taking a consent back', () => {
  test('makes what was approved pending again, with the time that it had to be decided', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const approved = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    expect(await offered(lab, LEA, approved)).toEqual(['retract', 'revoke']);
    lab.later(60);
    const pending = await lab.said(LEA, approved, RETRACT);
    expect(pending).toMatchObject({
      state: 'pending',
      lapsesAt: new Date(lab.clock.now().getTime() + BOUNDS.pendingLapseSeconds * 1000),
    });
    expect(await view(lab, pending)).toMatchObject({ given: [], open: [LEADS] });
    expect((await lab.said(LEA, pending, APPROVE)).state).toBe('approved');
  });

  test('moves nothing else of what is pending', async () => {
    const lab = new ConsentLab(approvals(requirement(2, 'leads')));
    const half = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    lab.later(60);
    const none = await lab.said(LEA, half, RETRACT);
    expect(none).toEqual({ ...half, version: 3, updatedAt: lab.clock.now() });
    const one = await lab.said(LEO, none, APPROVE);
    expect(one.state).toBe('pending');
    expect((await lab.said(LEA, one, APPROVE)).state).toBe('approved');
  });

  test('is not for who gave none, nor twice', async () => {
    const lab = new ConsentLab(approvals(requirement(2, 'leads')));
    const half = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    expect(await lab.say(LEO, half, RETRACT)).toMatchObject({ problem: 'illegal-transition' });
    const none = await lab.said(LEA, half, RETRACT);
    expect(await lab.say(LEA, none, RETRACT)).toMatchObject({ problem: 'illegal-transition' });
  });

  test('is too late once it starts: then it is revoked', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const { id } = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    await lab.start(ROBIN, id);
    const starting = await lab.read(id);
    expect(await lab.say(LEA, starting, RETRACT)).toMatchObject({
      problem: 'illegal-transition',
      detail: expect.stringContaining('Revoke'),
    });
    expect(await offered(lab, LEA, starting)).toEqual(['revoke']);
  });

  test('of a retraction and a start at once, one is written and the other refused', async () => {
    const lab = new ConsentLab(approvals(LEADS));
    const approved = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    const outcomes = await Promise.all([
      lab.say(LEA, approved, RETRACT),
      lab.start(ROBIN, approved.id),
    ]);
    expect(outcomes.filter((it) => !isProblem(it))).toHaveLength(1);
    const winner = outcomes.find((it) => !isProblem(it));
    expect(await lab.read(approved.id)).toEqual(winner);
  });
});

describe('asking more people after so long', () => {
  const LATER = { ...approvals(LEADS, SECURITY), escalation: LATE };

  test('happens at its time and once, and their consents then count for any requirement', async () => {
    const lab = new ConsentLab(LATER);
    const asked = await lab.ask(ROBIN);
    expect((await view(lab, asked)).escalatesAt).toBe('2026-03-04T10:10:00.000Z');
    expect(await lab.say(MAY, asked, APPROVE)).toMatchObject({ problem: 'not-found' });
    lab.later(599);
    expect(await lab.advance(asked.id)).toEqual(asked);
    lab.later(1);
    const widened = await lab.advance(asked.id);
    expect(widened).toMatchObject({ state: 'pending', version: 2, escalatedAt: lab.clock.now() });
    expect(widened.lapsesAt).toEqual(asked.lapsesAt);
    expect(await lab.advance(asked.id)).toEqual(widened);
    expect(await view(lab, widened)).toMatchObject({
      groups: ['leads', 'security', 'managers'],
      escalatesAt: null,
      escalatedAt: '2026-03-04T10:10:00.000Z',
    });
    const half = await lab.said(MAY, widened, APPROVE);
    expect((await lab.said(SEC, half, APPROVE)).state).toBe('approved');
  });

  test('lets them deny as well', async () => {
    const lab = new ConsentLab(LATER);
    const asked = await lab.ask(ROBIN);
    lab.later(600);
    expect((await lab.said(MAY, await lab.advance(asked.id), DENY)).state).toBe('denied');
  });

  test('is not for what was decided before, and is made up for when it is pending again', async () => {
    const lab = new ConsentLab({ ...approvals(LEADS), escalation: LATE });
    const approved = await lab.said(LEA, await lab.ask(ROBIN), APPROVE);
    lab.later(700);
    expect(await lab.advance(approved.id)).toEqual(approved);
    const pending = await lab.said(LEA, approved, RETRACT);
    expect(await lab.advance(pending.id)).toMatchObject({ escalatedAt: lab.clock.now() });
  });

  test('does not keep it from lapsing', async () => {
    const lab = new ConsentLab(LATER);
    const { id } = await lab.ask(ROBIN);
    lab.later(600);
    await lab.advance(id);
    lab.later(BOUNDS.pendingLapseSeconds);
    expect(await lab.advance(id)).toMatchObject({ state: 'ended', endReason: 'lapsed' });
  });
});
