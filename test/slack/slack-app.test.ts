import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUTTONS, buttonValue } from '../../src/adapters/slack/button.value.js';
import { DEBUG_FORM, TARGET_SEARCH } from '../../src/adapters/slack/debug.modal.js';
import { WORD_FORMS } from '../../src/adapters/slack/word.modals.js';
import type { Session } from '../../src/domain/session/session.js';
import { approvals, requirement } from '../support/policies.js';
import { ALEX, ROBIN } from '../support/sessions.js';
import { formValues, SlackAppLab } from '../support/slack.app.lab.js';

const ASKED = {
  namespace: 'payments',
  target: 'Deployment/checkout',
  duration: '30m',
  reason: 'The pool is exhausted',
};

let lab: SlackAppLab;
let robin: string;
let alex: string;
beforeEach(async () => {
  lab = await SlackAppLab.open(approvals(requirement(1, 'payments-leads')));
  [robin, alex] = [await lab.slack.user('robin'), await lab.slack.user('alex')];
  lab.tied.set(robin, ROBIN);
  lab.tied.set(alex, ALEX);
});
afterEach(() => lab.close());

const ask = async (fields: Readonly<Record<string, string>> = ASKED, id = 'V1') =>
  lab.submit(robin, { callback: DEBUG_FORM, id, values: formValues(fields) });

async function sessions(): Promise<Session[]> {
  return lab.store.list({ visibility: { kind: 'all' }, filter: {}, limit: 100 });
}

async function asked(): Promise<Session> {
  await ask();
  const [session] = await sessions();
  if (!session) throw new Error('there is no session');
  return session;
}

const text = (value: unknown) => JSON.stringify(value);
const opened = (count: number) =>
  expect.poll(() => lab.views('views.open').length, { interval: 5 }).toBe(count);
const updated = (count: number) =>
  expect.poll(() => lab.views('views.update').length, { interval: 5 }).toBe(count);

describe('/debug', () => {
  test('a modal is opened at once, and shows what the person may ask for when that is known', async () => {
    expect(await lab.command(robin, 'payments/checkout 30m pool exhausted')).toMatchObject({
      status: 200,
    });
    await updated(1);
    expect(lab.slack.calls.map(({ method }) => method).slice(0, 2)).toEqual([
      'views.open',
      'users.info',
    ]);
    const form = text(lab.views('views.update')[0]);
    for (const part of ['"payments"', 'Deployment/checkout', '"30m"', 'pool exhausted']) {
      expect(form).toContain(part);
    }
  });

  test('the modal is opened while the database does not answer', async () => {
    lab.isStuck = true;
    const began = performance.now();
    await lab.command(robin, 'payments/checkout');
    await opened(1);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(lab.slack.count('views.update')).toBe(0);
    expect(text(lab.views('views.open')[0])).toContain('looks up what you may ask for');
  });

  test('what cannot be read is answered with how it is written, and opens nothing', async () => {
    const answer = await lab.command(robin, 'pool exhausted');
    expect(text(answer.body)).toContain('Begin with where');
    expect(lab.views('views.open')).toEqual([]);
  });

  test('whoever is tied to nobody is offered the link that ties them', async () => {
    await lab.command(await lab.slack.user('sam'), '');
    await updated(1);
    expect(text(lab.views('views.update')[0])).toContain('/link/slack?code=only-for-you');
  });

  test('a trigger that has expired opens nothing, and is not tried again', async () => {
    lab.slack.fail('views.open', { word: 'expired_trigger_id' });
    await lab.command(robin, '');
    await expect.poll(() => lab.journal.lines.length).toBe(1);
    expect(lab.slack.count('views.open')).toBe(1);
    expect(lab.slack.count('views.update')).toBe(0);
  });

  test('the shortcut on a message makes the link to it the reference', async () => {
    const channel = await lab.slack.channel('approvals');
    const place = await lab.slack.api().post({ channel, text: 'It is down', blocks: [] });
    if ('refused' in place) throw new Error('not posted');
    await lab.interaction(robin, {
      type: 'message_action',
      callback_id: 'hallpass_debug_this',
      channel: { id: channel },
      message: { ts: place.ts },
    });
    await updated(1);
    expect(text(lab.views('views.update')[0])).toMatch(/"initial_value":"https?:[^"]*p\d+/);
  });
});

describe('searching', () => {
  const search = (user: string, value: string) =>
    lab.interaction(user, {
      type: 'block_suggestion',
      action_id: TARGET_SEARCH,
      block_id: 'target',
      value,
      view: { id: 'V1', state: { values: formValues({ namespace: 'payments' }) } },
    });

  test('workloads and Pods are found by a part of their name', async () => {
    const answer = await search(robin, 'CHECK');
    expect(answer.body).toMatchObject({
      options: [
        { value: 'Deployment/checkout' },
        { value: 'Pod/checkout-7d9f-a' },
        { value: 'Pod/checkout-7d9f-b' },
      ],
    });
  });

  test('whom no rule lets in, and whoever is nobody, is offered nothing', async () => {
    expect((await search(alex, '')).body).toEqual({ options: [] });
    expect((await search(await lab.slack.user('sam'), '')).body).toEqual({ options: [] });
  });
});

describe('the form', () => {
  test('the answer says for whom the request waits', async () => {
    const answer = await ask();
    expect(answer.body).toMatchObject({ response_action: 'update' });
    expect(text(answer.body)).toContain('Waiting');
    expect(text(answer.body)).toContain('payments-leads');
    const [session] = await sessions();
    expect(session).toMatchObject({ state: 'pending', request: { durationSeconds: 1800 } });
  });

  test('an answer that takes long comes into the same modal later', async () => {
    await lab.command(robin, '');
    await updated(1);
    lab.lateMs = 2_200;
    const answer = await ask(ASKED, lab.lastUpdated());
    expect(text(answer.body)).toContain('One moment');
    await expect.poll(() => lab.slack.count('views.update'), { timeout: 5_000 }).toBe(2);
    expect(text(lab.views('views.update')[1])).toContain('Waiting');
  });

  test('a form that is sent twice is one request', async () => {
    await Promise.all([ask(), ask()]);
    expect(await sessions()).toHaveLength(1);
  });

  test('what is wrong is said at its field, and can be corrected in the same form', async () => {
    const { body } = await ask({ ...ASKED, duration: 'soon' });
    expect(body).toMatchObject({ response_action: 'errors', errors: { duration: /./ } });
    const gone = await ask({ ...ASKED, target: 'Deployment/no-such' });
    expect(gone.body).toMatchObject({ response_action: 'errors', errors: { target: /no-such/ } });
    expect(await sessions()).toEqual([]);
    await ask();
    expect(await sessions()).toHaveLength(1);
  });

  test('a refusal says why', async () => {
    lab.tied.set(robin, { ...ROBIN, groups: ['guests'] });
    const answer = await ask();
    expect(text(answer.body)).toContain('Refused');
  });
});

describe('buttons', () => {
  test('an approver approves with one press, and pressing twice has one effect', async () => {
    const session = await asked();
    const value = buttonValue(session);
    await Promise.all([
      lab.press(alex, BUTTONS.approve, value),
      lab.press(alex, BUTTONS.approve, value),
    ]);
    await expect.poll(async () => (await lab.store.find(session.id))?.state).not.toBe('pending');
    expect((await lab.store.consents(session.id)).map(({ verdict }) => verdict)).toEqual([
      'approve',
    ]);
    expect((await lab.store.consents(session.id))[0]?.person.sub).toBe(ALEX.sub);
  });

  test('a press on what was seen before the session changed is refused, to who pressed alone', async () => {
    const session = await asked();
    await lab.press(
      alex,
      BUTTONS.approve,
      buttonValue({ ...session, version: session.version + 1 }),
    );
    await expect.poll(() => lab.told().length).toBe(1);
    expect(lab.told()[0]).toContain('has changed since you read it');
    expect((await lab.store.find(session.id))?.state).toBe('pending');
  });

  test('nobody approves their own request, from whatever account of theirs', async () => {
    const session = await asked();
    const another = await lab.slack.user('sam');
    lab.tied.set(another, ROBIN);
    await lab.press(another, BUTTONS.approve, buttonValue(session));
    await expect.poll(() => lab.told().length).toBe(1);
    expect((await lab.store.find(session.id))?.state).toBe('pending');
  });

  test('a denial asks why first, and tells the requester', async () => {
    const session = await asked();
    await lab.press(alex, BUTTONS.deny, buttonValue(session));
    await opened(1);
    const sent = { callback: WORD_FORMS.deny, id: 'V2', metadata: buttonValue(session) };
    await lab.submit(alex, { ...sent, values: formValues({ comment: 'not now' }) });
    const denied = await lab.store.find(session.id);
    expect(denied).toMatchObject({ state: 'denied' });
    expect(denied?.endDetail).toContain('not now');
  });

  test('a requester ends their session, and others do not', async () => {
    const session = await asked();
    await lab.press(alex, BUTTONS.end, buttonValue(session));
    await expect.poll(() => lab.told().length).toBe(1);
    await lab.press(robin, BUTTONS.end, buttonValue(session));
    await expect.poll(async () => (await lab.store.find(session.id))?.state).toBe('ended');
  });

  test('a button that is none of ours does nothing', async () => {
    await lab.press(alex, BUTTONS.approve, 'x:y');
    expect(lab.told()).toEqual([]);
  });
});

describe('faults', () => {
  test('a request that is not signed by Slack does nothing', async () => {
    const body = new URLSearchParams({
      command: '/debug',
      user_id: robin,
      trigger_id: 't',
      text: '',
    });
    expect(await lab.post(body.toString(), { secret: 'another' })).toEqual({
      status: 401,
      body: null,
    });
    expect(lab.slack.calls).toEqual([]);
  });

  test('who cannot be looked up is not served: Slack is down, slow, or the token is revoked', async () => {
    const session = await asked();
    const faults = [
      { busySeconds: 5 },
      { word: 'token_revoked' },
      { status: 503 },
      'dropped',
    ] as const;
    for (const [at, fault] of faults.entries()) {
      lab.slack.fail('users.info', fault);
      await lab.press(alex, BUTTONS.approve, buttonValue(session));
      await expect.poll(() => lab.told().length).toBe(at + 1);
    }
    expect((await lab.store.find(session.id))?.state).toBe('pending');
  });
});
