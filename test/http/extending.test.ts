import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Api } from '../support/http.api.js';
import { PEOPLE, startApi } from '../support/http.api.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';

let api: Api;
beforeAll(async () => {
  const extension = { times: 2, longestSeconds: 900 };
  const require = approvals(requirement(1, 'payments-leads'));
  const set = setOf([
    policyOf('staging', { match: { namespaces: ['staging'] }, terms: { extension } }),
    policyOf('payments', {
      match: { namespaces: ['payments'] },
      terms: { extension, approvals: require },
    }),
    policyOf('never', { match: { namespaces: ['never'] } }),
  ]);
  api = await startApi({ set });
});
afterAll(() => api.close());

/** A session that runs and has ten minutes. */
async function running(namespace = 'staging') {
  const { body } = await api.ask({ namespace });
  if (body.state === 'pending') {
    await api.call('decideSession', {
      who: 'alex',
      method: 'POST',
      path: `/v1/sessions/${body.id}/decisions`,
      headers: { 'if-match': '"1"' },
      body: { verdict: 'approve' },
    });
  }
  const { id } = await api.step(body.id, 'start');
  const at = api.clock.now();
  const deadlineAt = new Date(at.getTime() + 600_000);
  await api.step(id, 'run', { startedAt: at, deadlineAt });
  return read(id);
}

const read = async (id: string, who = 'robin') =>
  (await api.call('readSession', { who, path: `/v1/sessions/${id}` })).body;

const extend = (
  { id }: { id: string },
  args: { who?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> =>
  api.call('extendSession', {
    who: args.who ?? 'robin',
    method: 'POST',
    path: `/v1/sessions/${id}/extend`,
    headers: args.headers ?? {},
    body: args.body ?? { durationSeconds: 900 },
  });

const problemOf = ({ status, body }: Answer) => `${status} ${String(body?.type).split(':').at(-1)}`;

describe('extending', () => {
  test('a requester extends a session that runs, and sees what is under way', async () => {
    const session = await running();
    expect(session.allowedActions).toEqual(['extend', 'end']);
    expect(session.extensions).toEqual({ done: 0, left: 2, longestSeconds: 900, underWay: null });
    const answer = await extend(session);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe(`"${Number(session.version) + 1}"`);
    expect(answer.body).toMatchObject({
      state: 'active',
      deadline: session.deadline,
      container: session.container,
      extensions: {
        done: 1,
        left: 1,
        underWay: { container: `hallpass-${session.id}-2`, durationSeconds: 900 },
      },
      allowedActions: ['end'],
    });
    expect(answer.body.decisions).toHaveLength(2);
    expect(problemOf(await extend(session))).toBe('409 illegal-transition');
  });

  test('it is offered to nobody else, and not where the terms leave none', async () => {
    const session = await running('payments');
    expect((await read(session.id, 'alex')).allowedActions).toEqual(['revoke']);
    expect(problemOf(await extend(session, { who: 'stranger' }))).toBe('404 not-found');
    expect(problemOf(await extend(session, { who: 'alex' }))).toBe('403 forbidden');
    const never = await running('never');
    expect(never).toMatchObject({ allowedActions: ['end'], extensions: null });
    expect(problemOf(await extend(never))).toBe('403 extension-refused');
  });

  test('a consent that counts no more is told with what is needed', async () => {
    const session = await running('payments');
    await api.store.people.seen({ ...PEOPLE.alex, groups: [] }, new Date());
    const refused = await extend(session);
    await api.store.people.seen(PEOPLE.alex, new Date());
    expect(problemOf(refused)).toBe('403 extension-refused');
    expect(refused.body.detail).toContain('the consent of one of payments-leads');
    expect((await extend(session)).status).toBe(200);
  });

  test.each([
    [{ durationSeconds: 901 }, /900 or less/],
    [{ durationSeconds: 600 }, /must be more than/],
    [{ durationSeconds: 0 }, /must be/],
    [{}, /required/],
  ])('%o is refused, and the field named', async (body, message) => {
    const { status, body: refusal } = await extend(await running(), { body });
    expect(status).toBe(422);
    expect(refusal.errors).toMatchObject([
      { path: '/durationSeconds', message: expect.stringMatching(message) },
    ]);
  });

  test('If-Match is heeded where it is sent', async () => {
    const session = await running();
    expect(problemOf(await extend(session, { headers: { 'if-match': '"1"' } }))).toBe(
      '412 changed-since-seen',
    );
    const headers = { 'if-match': `"${session.version}"` };
    expect((await extend(session, { headers })).status).toBe(200);
  });

  test('a key sent again is the same extension, and stands for nothing else', async () => {
    const [session, another] = [await running(), await running()];
    const headers = { 'idempotency-key': `key-of-${session.id}` };
    const first = await extend(session, { headers });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await extend(session, { headers });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.version).toBe(first.body.version);
    expect(problemOf(await extend(another, { headers }))).toBe('422 idempotency-mismatch');
    const longer = { headers, body: { durationSeconds: 899 } };
    expect(problemOf(await extend(session, longer))).toBe('422 idempotency-mismatch');
  });

  test('its steps tell of the extension and of what came of it', async () => {
    const session = await running();
    await extend(session, { body: { durationSeconds: 900, reason: 'it takes longer' } });
    const steps = await api.store.steps(session.id, session.version);
    expect(steps).toMatchObject([
      {
        event: 'extend',
        data: {
          container: `hallpass-${session.id}-2`,
          extendSeconds: 900,
          reason: 'it takes longer',
        },
      },
    ]);
  });
});
