import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUTTONS, buttonValue } from '../../src/adapters/slack/button.value.js';
import { DEBUG_FORM } from '../../src/adapters/slack/debug.modal.js';
import type { SlackDoor } from '../../src/adapters/slack/slack.door.js';
import { SlackSocket } from '../../src/adapters/slack/slack.socket.js';
import { Secret } from '../../src/config/secret.js';
import { approvals, requirement } from '../support/policies.js';
import { ALEX, ROBIN } from '../support/sessions.js';
import { formValues, SlackAppLab } from '../support/slack.app.lab.js';
import { SlackSockets } from '../support/slack.sockets.js';

let lab: SlackAppLab;
let sockets: SlackSockets;
let lines: SlackSocket[];
let replicas: SlackDoor[];
let robin: string;
let alex: string;
beforeEach(async () => {
  [lab, sockets] = await Promise.all([
    SlackAppLab.open(approvals(requirement(1, 'payments-leads'))),
    SlackSockets.listen(),
  ]);
  [robin, alex] = [await lab.slack.user('robin'), await lab.slack.user('alex')];
  lab.tied.set(robin, ROBIN);
  lab.tied.set(alex, ALEX);
  const { url } = sockets;
  const settings = { appToken: new Secret('xapp-lab'), url, journal: lab.journal, waitMs: 20 };
  lines = [new SlackSocket(settings), new SlackSocket(settings)];
  replicas = lines.map((line) => lab.door(line));
  // One after the other: the first connection is the first replica's.
  for (const door of replicas) await door.start();
});
afterEach(async () => {
  await Promise.all(replicas.map((door) => door.stop()));
  await sockets.close();
  await lab.close();
});

const acked = (id: string) => expect.poll(() => sockets.acked.has(id), { interval: 5 }).toBe(true);

const form = () => ({
  type: 'view_submission',
  team: { id: 'T1' },
  user: { id: robin },
  view: {
    id: 'V1',
    type: 'modal',
    callback_id: DEBUG_FORM,
    private_metadata: '',
    state: {
      values: formValues({
        namespace: 'payments',
        target: 'Deployment/checkout',
        duration: '30m',
        reason: 'The pool is exhausted',
      }),
    },
  },
});

test('a command that comes by a WebSocket opens the modal', async () => {
  const trigger = lab.trigger(robin);
  const sent = { command: '/debug', user_id: robin, team_id: 'T1', trigger_id: trigger, text: '' };
  await acked(sockets.send('slash_commands', sent));
  await expect.poll(() => lab.slack.count('views.update'), { interval: 5 }).toBe(1);
});

test('what Slack sends to both of two replicas has one effect', async () => {
  await Promise.all([
    acked(sockets.send('interactive', form(), 0)),
    acked(sockets.send('interactive', form(), 1)),
  ]);
  const all = { visibility: { kind: 'all' } as const, filter: {}, limit: 10 };
  const [session, ...others] = await lab.store.list(all);
  expect(others).toEqual([]);
  if (!session) throw new Error('there is no session');

  const press = async () => ({
    type: 'block_actions',
    team: { id: 'T1' },
    user: { id: alex },
    channel: { id: await lab.slack.channel('approvals') },
    trigger_id: lab.trigger(alex),
    actions: [
      { type: 'button', action_id: BUTTONS.approve, block_id: 'b', value: buttonValue(session) },
    ],
  });
  await Promise.all([
    acked(sockets.send('interactive', await press(), 0)),
    acked(sockets.send('interactive', await press(), 1)),
  ]);
  await expect.poll(async () => (await lab.store.find(session.id))?.state).not.toBe('pending');
  await expect.poll(() => lab.told().length, { interval: 5 }).toBe(1);
  expect(await lab.store.consents(session.id)).toHaveLength(1);
  const bodies = lab.store.log.entries.map(({ body }) => body.toString());
  expect(bodies.filter((body) => /"request":"e-\d+"/.test(body))).toHaveLength(bodies.length);
});

async function onlySession() {
  const all = { visibility: { kind: 'all' } as const, filter: {}, limit: 10 };
  const [session, ...others] = await lab.store.list(all);
  expect(others).toEqual([]);
  if (!session) throw new Error('there is no session');
  return session;
}

test('each event goes to one of two replicas, and is worked on once', async () => {
  const sent = [0, 1, 2, 3].map((turn) => ({
    command: '/debug',
    user_id: robin,
    team_id: 'T1',
    trigger_id: lab.trigger(robin),
    text: `payments/checkout-${turn}`,
  }));
  for (const one of sent) await acked(sockets.send('slash_commands', one));
  await expect.poll(() => lab.slack.count('views.update'), { interval: 5 }).toBe(sent.length);
  expect(lab.slack.count('views.open')).toBe(sent.length);
});

test('what a replica got and did not answer before it died, the other does: once', async () => {
  // The first has it, and dies over it.
  lab.isStuck = true;
  const id = sockets.send('interactive', form(), 0);
  await expect.poll(() => lab.slack.count('users.info'), { interval: 5 }).toBe(1);
  const [dying] = replicas;
  sockets.open[0]?.terminate();
  await dying?.stop();
  await expect.poll(() => sockets.open.length, { interval: 5 }).toBe(1);
  expect(sockets.acked.has(id)).toBe(false);
  lab.isStuck = false;
  // Slack sends what was not answered to a connection that is left.
  sockets.resend(id, 'interactive', form(), 0);
  await acked(id);
  expect((await onlySession()).state).toBe('pending');
});

test('what a replica did, and died before it said so, is not done again by the other', async () => {
  const id = sockets.send('interactive', form(), 0);
  await acked(id);
  const session = await onlySession();
  sockets.open[0]?.terminate();
  await replicas[0]?.stop();
  await expect.poll(() => sockets.open.length, { interval: 5 }).toBe(1);
  sockets.acked.delete(id);
  sockets.resend(id, 'interactive', form(), 0);
  await acked(id);
  expect(JSON.stringify(sockets.acked.get(id))).toContain(session.id);
  expect((await onlySession()).id).toBe(session.id);
});

const connected = () => lines.map((line) => line.isConnected);
const allAre = (is: boolean) =>
  expect.poll(connected, { timeout: 10_000, interval: 5 }).toEqual([is, is]);
const told = () => lab.journal.lines.filter(({ message }) => message.includes('listened to'));

describe('the connection', () => {
  test.each(['closed', 'cut', 'refresh_requested', 'warning'] as const)(
    'is made anew at once when Slack ends it (%s), and nothing is told of that',
    async (how) => {
      const before = sockets.asked;
      sockets.end(how);
      await expect.poll(() => sockets.asked, { interval: 5 }).toBe(before + 2);
      await allAre(true);
      // What is sent to a connection that is being closed is lost.
      await expect.poll(() => sockets.open.length, { interval: 5 }).toBe(2);
      await acked(sockets.send('interactive', form()));
      expect(told()).toEqual([]);
    },
  );

  test('a token that is revoked while it is made anew ends nothing; it is tried until it may', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('unhandledRejection', note);
    sockets.refusal = 'invalid_auth';
    const before = sockets.asked;
    sockets.end('closed');
    await expect.poll(() => sockets.asked - before, { interval: 5 }).toBeGreaterThan(6);
    expect(connected()).toEqual([false, false]);
    // Once for each replica, with Slack's word for it, however often it was tried.
    expect(told()).toMatchObject([
      { level: 'warn', facts: { why: expect.stringContaining('invalid_auth') } },
      { level: 'warn', facts: { why: expect.stringContaining('invalid_auth') } },
    ]);
    expect(JSON.stringify(told())).not.toContain('xapp');
    sockets.refusal = undefined;
    await allAre(true);
    expect(told().map(({ level }) => level)).toEqual(['warn', 'warn', 'info', 'info']);
    await acked(sockets.send('interactive', form()));
    process.off('unhandledRejection', note);
    expect(uncaught).toEqual([]);
  });

  test('is not asked for ever more often where it is closed as soon as it is there', async () => {
    sockets.greets = false;
    const before = sockets.asked;
    sockets.end('closed');
    const ending = setInterval(() => sockets.end('closed'), 1);
    await expect.poll(() => told().length, { interval: 5 }).toBe(2);
    await expect.poll(() => sockets.asked - before, { interval: 5 }).toBeGreaterThan(6);
    clearInterval(ending);
    expect(connected()).toEqual([false, false]);
    sockets.greets = true;
    sockets.end('closed');
    await allAre(true);
  });

  test('is not made any more by a replica that stops, whatever it is about to do', async () => {
    sockets.refusal = 'internal_error';
    sockets.end('closed');
    await allAre(false);
    sockets.refusal = undefined;
    await Promise.all(replicas.map((door) => door.stop()));
    await expect.poll(() => sockets.open.length, { interval: 5 }).toBe(0);
    expect(connected()).toEqual([false, false]);
  });
});
