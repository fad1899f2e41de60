import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSION_OF_ACTION } from '../../src/app/views/allowed-actions.js';
import { ACTIONS } from '../../src/domain/session/session.machine.js';
import type { Answer, Api } from '../support/http.api.js';
import { PEOPLE, startApi } from '../support/http.api.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

type Act = (
  session: { id: string },
  args?: { who?: string; etag?: string; body?: unknown },
) => Promise<Answer>;
const act =
  (operation: string, verb: string, standard: string): Act =>
  ({ id }, { who = standard, etag, body } = {}) =>
    api.call(operation, {
      who,
      method: 'POST',
      path: `/v1/sessions/${id}/${verb}`,
      ...(etag === undefined ? {} : { headers: { 'if-match': etag } }),
      ...(body === undefined ? {} : { body }),
    });
const decide = act('decideSession', 'decisions', 'alex');
const start = act('startSession', 'start', 'robin');
const extend = act('extendSession', 'extend', 'robin');
const end = act('endSession', 'end', 'robin');
const revoke = act('revokeSession', 'revoke', 'admin');
const APPROVE = { verdict: 'approve' };

const problemOf = ({ status, body }: Answer) => `${status} ${String(body?.type).split(':').at(-1)}`;
const pending = async (namespace = 'payments') => (await api.ask({ namespace })).body;

describe('deciding', () => {
  test('an approver consents to what they saw, and the session says who did', async () => {
    const asked = await pending();
    const { status, headers, body } = await decide(asked, {
      etag: '"1"',
      body: { ...APPROVE, comment: 'two\nlines' },
    });
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"2"');
    expect(body).toMatchObject({
      state: 'approved',
      approvals: { needed: 1, given: ['alex@example.com'] },
      allowedActions: ['retract', 'revoke'],
    });
    expect(body.decisions.at(-1)).toMatchObject({
      by: 'person',
      verdict: 'approve',
      comment: 'two\nlines',
      seenVersion: 1,
    });
  });

  test('without If-Match nobody decides', async () => {
    const asked = await pending();
    expect(problemOf(await decide(asked, { body: APPROVE }))).toBe('428 if-match-required');
    expect(problemOf(await decide(asked, { etag: '*', body: APPROVE }))).toBe(
      '428 if-match-required',
    );
  });

  test.each([
    ['"2"', '412 changed-since-seen'],
    ['"0"', '412 changed-since-seen'],
    ['"x"', '412 changed-since-seen'],
    ['"99999999999999999999"', '412 changed-since-seen'],
    ['W/"1"', '412 changed-since-seen'],
    ['1', '400 invalid-request'],
    ['"1", "2"', '400 invalid-request'],
    ['', '400 invalid-request'],
  ])('If-Match: %s on version 1 is refused as %s', async (etag, expected) => {
    expect(problemOf(await decide(await pending(), { etag, body: APPROVE }))).toBe(expected);
  });

  test('a word on a version that is not the newest any more is refused', async () => {
    const asked = await pending('vault');
    expect((await decide(asked, { who: 'sam', etag: '"1"', body: APPROVE })).status).toBe(200);
    expect(problemOf(await decide(asked, { etag: '"1"', body: APPROVE }))).toBe(
      '412 changed-since-seen',
    );
    expect((await decide(asked, { etag: '"2"', body: APPROVE })).body.state).toBe('approved');
  });

  test('of two words at once on the same version one counts', async () => {
    const asked = await pending();
    const answers = await Promise.all([
      decide(asked, { who: 'alex', etag: '"1"', body: APPROVE }),
      decide(asked, { who: 'sam', etag: '"1"', body: { verdict: 'deny' } }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test('an approver takes their consent back until it starts', async () => {
    const asked = await pending();
    await decide(asked, { etag: '"1"', body: APPROVE });
    const stale = { etag: '"1"', body: { verdict: 'retract' } };
    expect(problemOf(await decide(asked, stale))).toBe('412 changed-since-seen');
    const { body } = await decide(asked, { etag: '"2"', body: { verdict: 'retract' } });
    expect(body).toMatchObject({
      state: 'pending',
      approvals: { given: [], open: [{ count: 1, groups: ['payments-leads'], users: [] }] },
      allowedActions: ['approve', 'deny'],
    });
    await decide(asked, { etag: '"3"', body: APPROVE });
    await start(asked);
    expect(problemOf(await decide(asked, { etag: '"5"', body: { verdict: 'retract' } }))).toBe(
      '409 illegal-transition',
    );
  });

  test('what a token says of a person is kept with whatever they ask for, and counts from then on', async () => {
    const asked = await pending('vault');
    await decide(asked, { etag: '"1"', body: APPROVE });
    const { people } = api.store;
    await api.call('readMe', { who: 'nobody', path: '/v1/me' });
    await expect.poll(() => people.now(PEOPLE.nobody)).toEqual(PEOPLE.nobody);
    await people.seen({ ...PEOPLE.alex, groups: [] }, new Date());
    const { body } = await decide(asked, { who: 'sam', etag: '"2"', body: APPROVE });
    expect(body).toMatchObject({ state: 'pending', approvals: { given: ['sam@example.com'] } });
    await people.seen(PEOPLE.alex, new Date());
  });

  test('nobody consents twice', async () => {
    const asked = await pending('vault');
    await decide(asked, { etag: '"1"', body: APPROVE });
    expect(problemOf(await decide(asked, { etag: '"2"', body: APPROVE }))).toBe(
      '409 already-decided',
    );
  });

  test('a requester does not decide about their own session, with whatever roles', async () => {
    expect(
      problemOf(await decide(await pending(), { who: 'robin', etag: '"1"', body: APPROVE })),
    ).toBe('403 forbidden');
    expect(
      problemOf(await decide(await pending(), { who: 'admin', etag: '"1"', body: APPROVE })),
    ).toBe('403 forbidden');
  });

  test('a denied session cannot be decided any more', async () => {
    const asked = await pending();
    expect((await decide(asked, { etag: '"1"', body: { verdict: 'deny' } })).body.state).toBe(
      'denied',
    );
    expect(problemOf(await decide(asked, { etag: '"2"', body: APPROVE }))).toBe(
      '409 illegal-transition',
    );
  });

  test('a verdict that is none is refused with those that are', async () => {
    const { status, body } = await decide(await pending(), {
      etag: '"1"',
      body: { verdict: 'maybe', coment: 'x' },
    });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      { path: '/verdict', message: 'must be one of "approve", "deny", "retract"' },
      { path: '/coment', message: 'is not known here; did you mean "comment"?' },
    ]);
  });
});

describe('starting, ending and revoking', () => {
  test('a requester starts and ends their session without a body', async () => {
    const { body: asked } = await api.ask();
    const started = await start(asked);
    expect({ status: started.status, state: started.body.state }).toEqual({
      status: 200,
      state: 'starting',
    });
    expect(started.body.container.name).toBe(`hallpass-${asked.id}`);
    const ended = await end(asked, { body: {} });
    expect(ended.body).toMatchObject({
      state: 'ending',
      endReason: 'withdrawn',
      allowedActions: [],
    });
    expect(ended.headers.get('etag')).toBe('"3"');
  });

  test('an empty body is none, even one that is announced as JSON', async () => {
    const { body: asked } = await api.ask();
    const answer = await api.call('endSession', {
      who: 'robin',
      method: 'POST',
      path: `/v1/sessions/${asked.id}/end`,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.body.state).toBe('ended');
  });

  test('an admin revokes with a comment that the session keeps', async () => {
    const { body: asked } = await api.ask();
    const { body } = await revoke(asked, { body: { comment: 'the incident is over' } });
    expect(body).toMatchObject({ state: 'ended', endReason: 'revoked' });
    expect(body.endDetail).toContain('the incident is over');
  });

  test('If-Match is heeded where it is sent', async () => {
    const { body: asked } = await api.ask();
    expect(problemOf(await start(asked, { etag: '"2"' }))).toBe('412 changed-since-seen');
    expect(problemOf(await revoke(asked, { etag: '*' }))).toBe('428 if-match-required');
    expect((await start(asked, { etag: '"1"' })).status).toBe(200);
  });

  test('what the machine does not allow is refused, and by name', async () => {
    const asked = await pending();
    expect(problemOf(await start(asked))).toBe('409 illegal-transition');
    expect(problemOf(await end(asked, { who: 'stranger' }))).toBe('404 not-found');
    expect(problemOf(await revoke(asked, { who: 'robin' }))).toBe('403 forbidden');
    const { body: granted } = await api.ask();
    await end(granted);
    expect(problemOf(await end(granted))).toBe('409 illegal-transition');
  });

  test('members that a call does not know are refused', async () => {
    const { body: asked } = await api.ask();
    expect((await start(asked, { body: { force: true } })).body.errors).toEqual([
      { path: '/force', message: 'is not known here' },
    ]);
    expect((await revoke(asked, { body: [] })).status).toBe(422);
  });
});

describe('allowed actions', () => {
  test('every action that a caller is offered is one that they can do, and none that they cannot', async () => {
    const calls: Record<
      (typeof ACTIONS)[number],
      (who: string, session: { id: string }, etag: string) => Promise<Answer>
    > = {
      approve: (who, session, etag) => decide(session, { who, etag, body: APPROVE }),
      deny: (who, session, etag) => decide(session, { who, etag, body: { verdict: 'deny' } }),
      retract: (who, session, etag) => decide(session, { who, etag, body: { verdict: 'retract' } }),
      start: (who, session) => start(session, { who }),
      extend: (who, session) => extend(session, { who, body: { durationSeconds: 900 } }),
      end: (who, session) => end(session, { who }),
      revoke: (who, session) => revoke(session, { who }),
    };
    for (const namespace of ['staging', 'payments', 'elsewhere']) {
      for (const who of ['robin', 'alex', 'admin', 'auditor', 'stranger', 'nobody']) {
        for (const action of ACTIONS) {
          const asked = await pending(namespace);
          const seen = await api.call('readSession', { who, path: asked.links.self });
          const offered: string[] = seen.body.allowedActions ?? [];
          const { status } = await calls[action](who, asked, '"1"');
          expect({ namespace, who, action, done: status === 200 }).toEqual({
            namespace,
            who,
            action,
            done: offered.includes(action),
          });
        }
      }
    }
  });

  test('the permission behind each action is the one that its handler names', async () => {
    const { SessionActsController } =
      await import('../../src/adapters/http/session-acts.controller.js');
    const { ACCESS } = await import('../../src/adapters/http/access.decorators.js');
    const handlers = {
      approve: 'decide',
      deny: 'decide',
      retract: 'decide',
      start: 'start',
      extend: 'extend',
      end: 'end',
      revoke: 'revoke',
    } as const;
    for (const action of ACTIONS) {
      const access: unknown = Reflect.getMetadata(
        ACCESS,
        SessionActsController.prototype[handlers[action]],
      );
      expect(access).toBe(PERMISSION_OF_ACTION[action]);
    }
  });
});
