import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Session } from '../../src/domain/session/session.js';
import { PostsLab } from '../support/posts.lab.js';
import { ALEX, ROBIN, SAM } from '../support/sessions.js';
import type { LabMessage } from '../support/slack.lab.js';

let lab: PostsLab;
beforeAll(async () => {
  lab = await PostsLab.open();
});
afterAll(() => lab.close());

async function about(session: Session, channel = lab.approvals): Promise<LabMessage[]> {
  const messages = await lab.slack.messages(channel);
  return messages.filter((message) => JSON.stringify(message).includes(session.id));
}

/** Looks until nothing is due, however long that takes by the database's clock. */
async function settled(session: Session): Promise<void> {
  const keeper = lab.replica();
  await keeper.tell({ sessionId: session.id });
  await expect
    .poll(
      async () => {
        await keeper.once();
        const { rows } = await lab.database.pool.query(
          'SELECT due_at FROM slack_turns WHERE session_id = $1',
          [session.id],
        );
        return z.array(z.object({ due_at: z.null() })).safeParse(rows).success;
      },
      { timeout: 15_000, interval: 20 },
    )
    .toBe(true);
}

test.each([
  ['a message whose answer was lost is found again, and stands there once', ['lost']],
  ['a message that was not sent is sent', ['dropped']],
  ['a server that breaks down is asked again', [{ status: 503 }, { status: 500 }]],
  ['what was lost, and lost again, stands there once', ['lost', 'dropped']],
  ['what Slack was too busy for is sent once it may be', [{ busySeconds: 1 }]],
  ['a token that was revoked is waited for', [{ word: 'token_revoked' }, { word: 'invalid_auth' }]],
] as const)('%s', async (_, faults) => {
  const session = await lab.ask();
  lab.slack.fail('chat.postMessage', ...faults);
  await settled(session);
  expect(await about(session)).toHaveLength(1);
});

test('Slack is left alone for as long as it asks', async () => {
  const session = await lab.ask();
  lab.slack.fail('chat.postMessage', { busySeconds: 600 });
  const keeper = lab.replica();
  await lab.keep(session, keeper);
  const { rows } = await lab.database.pool.query(
    `SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM slack_turns WHERE session_id = $1`,
    [session.id],
  );
  const [row] = z.array(z.object({ seconds: z.number() })).parse(rows);
  expect(row?.seconds).toBeGreaterThan(590);
  expect(await about(session)).toEqual([]);
});

test('an update that was lost is made again, and the message says how things stand', async () => {
  let session = await lab.ask();
  await settled(session);
  session = await lab.say(ALEX, session, 'approve');
  lab.slack.fail('chat.update', 'lost', 'dropped', { status: 502 });
  await settled(session);
  const [message] = await about(session);
  expect(JSON.stringify(message)).toContain('given by');
});

test('a message that somebody deleted comes back once, and no more after that', async () => {
  let session = await lab.ask();
  await settled(session);
  const [first] = await about(session);
  await lab.slack.ask('chat.delete', { channel: lab.approvals, ts: first?.ts ?? '' });
  session = await lab.say(ALEX, session, 'approve');
  await settled(session);
  const [second] = await about(session);
  expect(second?.ts).not.toBe(first?.ts);
  await lab.slack.ask('chat.delete', { channel: lab.approvals, ts: second?.ts ?? '' });
  session = await lab.say(SAM, session, 'approve');
  await settled(session);
  expect(await about(session)).toEqual([]);
});

test('a channel that was archived, or is none, is not tried for ever, and the journal says so', async () => {
  const grant = lab.grant();
  const slack = { ...grant.terms.slack, channels: ['C0NOWHERE', lab.approvals] };
  const session = await lab.ask({ grant: { ...grant, terms: { ...grant.terms, slack } } });
  await settled(session);
  await settled(session);
  const calls = lab.slack.calls.filter(({ fields }) => fields.get('channel') === 'C0NOWHERE');
  expect(calls).toHaveLength(1);
  expect(lab.journal.lines).toContainEqual(
    expect.objectContaining({
      facts: { kind: 'request', target: 'C0NOWHERE', word: 'channel_not_found' },
    }),
  );
  expect(await about(session)).toHaveLength(1);
});

test('two replicas that are told at once send it once', async () => {
  const sessions = [await lab.ask(), await lab.ask(), await lab.ask()];
  const [one, two] = [lab.replica('one'), lab.replica('two')];
  await Promise.all(
    sessions.flatMap((session) => [lab.keep(session, one), lab.keep(session, two)]),
  );
  for (const session of sessions) {
    await settled(session);
    expect(await about(session)).toHaveLength(1);
  }
});

test('what changes while Slack is away is told once, as it stands then', async () => {
  let session = await lab.ask();
  lab.slack.fail('chat.postMessage', { status: 503 });
  const keeper = lab.replica();
  await keeper.tell({ sessionId: session.id });
  await keeper.once();
  session = await lab.say(ALEX, session, 'deny');
  await settled(session);
  const [message, ...more] = await about(session);
  expect(more).toEqual([]);
  expect(JSON.stringify(message)).toContain('*Refused* by `alex@example.com`');
});

test('another replica goes on with what one had begun when it died', async () => {
  const session = await lab.ask();
  const dying = lab.replica('dying', { callMs: 1 });
  await dying.tell({ sessionId: session.id });
  await dying.once();
  await settled(session);
  expect(await about(session)).toHaveLength(1);
});

test('a replica that runs tells what it is told, and stops between two messages', async () => {
  const keeper = lab.replica('running');
  keeper.start();
  const session = await lab.ask();
  await keeper.tell({ sessionId: session.id });
  await expect.poll(async () => about(session), { timeout: 10_000 }).toHaveLength(1);
  await keeper.stop();
});

test('a session whose messages are to be looked at is due at once, not a moment later', async () => {
  const session = await lab.ask();
  for (let times = 0; times < 100; times += 1) {
    const [turn] = await lab.turn(session, 'one');
    expect(turn).toBeDefined();
    if (turn) await lab.posts.release(turn, 'done');
  }
});

test('how far Slack is behind is told until it is not', async () => {
  const session = await lab.ask();
  const before = await lab.posts.standing();
  await lab.replica().tell({ sessionId: session.id });
  expect((await lab.posts.standing()).due).toBe(before.due + 1);
  await settled(session);
  expect((await lab.posts.standing()).due).toBe(before.due);
});

test('a place where Slack asks to be left alone keeps no other from being told', async () => {
  lab.people.tie(ROBIN, await lab.slack.user('robin'));
  const session = await lab.ask();
  lab.slack.fail('chat.postMessage', { busySeconds: 600 });
  await lab.keep(session);
  expect(await about(session)).toEqual([]);
  const dm = await lab.slack.api().openDm(await lab.slack.user('robin'));
  if ('refused' in dm) throw new Error(dm.refused);
  expect(await about(session, dm.channel)).toHaveLength(1);
  lab.people.users.clear();
});

test('what a replica brings late is looked at once more, by another', async () => {
  const session = await lab.ask();
  await settled(session);
  const [stale] = await lab.turn(session, 'slow');
  if (!stale) throw new Error('there was no turn');
  await lab.database.pool.query(`UPDATE slack_turns SET held_until = now() - interval '1 second'`);
  const [post] = await lab.posts.of(session.id);
  if (!post) throw new Error('there is no message');
  const [fresh] = await lab.turn(session, 'quick');
  expect(fresh?.sessionId).toBe(session.id);
  expect(await lab.posts.change(stale, post.id, { digest: 'of something old' })).toBe(false);
  expect((await lab.posts.of(session.id))[0]?.digest).toBeNull();
  await lab.posts.release(fresh ?? stale, 'done');
  const { rows } = await lab.database.pool.query(
    'SELECT due_at FROM slack_turns WHERE session_id = $1 AND due_at IS NOT NULL',
    [session.id],
  );
  expect(rows).toHaveLength(1);
  await settled(session);
});

test('with a method that Slack asks to leave alone, nobody calls in that channel for so long', async () => {
  const api = lab.slack.api();
  lab.slack.fail('chat.postMessage', { busySeconds: 600 });
  const before = lab.slack.count('chat.postMessage');
  const says = { text: 'Hello', blocks: [{ type: 'divider' }] };
  for (let call = 0; call < 3; call += 1) {
    expect(await api.post({ channel: lab.approvals, ...says })).toMatchObject({ refused: 'busy' });
  }
  expect(lab.slack.count('chat.postMessage')).toBe(before + 1);
  expect(await api.post({ channel: lab.security, ...says })).not.toHaveProperty('refused');
});
