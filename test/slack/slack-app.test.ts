import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { BUTTONS, buttonValue } from '../../src/adapters/slack/button.value.js';
import { DEBUG_FORM, PROFILE_SEARCH, TARGET_SEARCH } from '../../src/adapters/slack/debug.modal.js';
import { placeText } from '../../src/adapters/slack/debug.place.js';
import { targetOption } from '../../src/adapters/slack/target.option.js';
import { WORD_FORMS } from '../../src/adapters/slack/word.modals.js';
import type { Session } from '../../src/domain/session/session.js';
import { tookMs } from '../support/own.time.js';
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

const PAYMENTS = placeText({ cluster: 'sandbox', namespace: 'payments' });
const NOWHERE = placeText({ cluster: 'sandbox' });
const Body = z.looseObject({ actor: z.looseObject({}) });
const Offered = z.object({ options: z.array(z.object({ value: z.string() })) });

const text = (value: unknown) => JSON.stringify(value);
const SOON = { interval: 5, timeout: 10_000 };
const opened = (count: number) =>
  expect.poll(() => lab.views('views.open').length, SOON).toBe(count);
const updated = (count: number) =>
  expect.poll(() => lab.views('views.update').length, SOON).toBe(count);

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
    const opening = async () => {
      await lab.command(robin, 'payments/checkout');
      await opened(1);
    };
    expect(await tookMs(opening)).toBeLessThan(1_000);
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

  test('a trigger that has expired opens nothing, is not tried again, and who typed is told', async () => {
    lab.slack.fail('views.open', { word: 'expired_trigger_id' });
    const { body } = await lab.command(robin, '');
    expect(body).toMatchObject({ response_type: 'ephemeral', text: /Try again/ });
    expect(lab.journal.lines).toHaveLength(1);
    expect(lab.slack.count('views.open')).toBe(1);
    expect(lab.slack.count('views.update')).toBe(0);
  });

  test('who chose the shortcut is told, too, in the channel and to them alone', async () => {
    lab.slack.fail('views.open', { word: 'expired_trigger_id' });
    await lab.interaction(robin, {
      type: 'message_action',
      callback_id: 'hallpass_debug_this',
      channel: { id: await lab.slack.channel('approvals') },
      message: { ts: '1.1' },
    });
    await expect.poll(() => lab.told().length, { interval: 5 }).toBe(1);
    expect(lab.told()[0]).toContain('Try again');
  });

  test('a trigger that another try used has its form: nobody is told to try again', async () => {
    lab.slack.fail('views.open', { word: 'exchanged_trigger_id' });
    expect(await lab.command(robin, '')).toEqual({ status: 200, body: null });
  });

  test('help is told, and opens nothing', async () => {
    const { body } = await lab.command(robin, 'help');
    expect(body).toMatchObject({ response_type: 'ephemeral', text: /pool exhausted/ });
    expect(lab.slack.count('views.open')).toBe(0);
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
  /** As Slack sends it: what the fields held when the form was opened, and the form's metadata as they are. */
  const search = async (
    user: string,
    value: string,
    more: { readonly metadata?: string; readonly values?: object; readonly action?: string } = {},
  ) => {
    const { metadata = PAYMENTS, values = {}, action = TARGET_SEARCH } = more;
    const answer = await lab.interaction(user, {
      type: 'block_suggestion',
      trigger_id: undefined,
      action_id: action,
      block_id: 'target',
      value,
      view: { id: 'V1', callback_id: DEBUG_FORM, private_metadata: metadata, state: { values } },
    });
    return Offered.parse(answer.body).options.map((option) => option.value);
  };
  const CHECKOUT = ['Deployment/checkout', 'Pod/checkout-7d9f-a', 'Pod/checkout-7d9f-b'];

  test('workloads and Pods are found by a part of their name, in the namespace of the form', async () => {
    expect(await search(robin, 'CHECK')).toEqual(CHECKOUT);
    expect(await search(robin, 'checkout', { metadata: NOWHERE })).toEqual([]);
    expect(await search(robin, '', { action: PROFILE_SEARCH })).toEqual(['shell']);
  });

  test('what Slack says that the fields held is not believed: it is old by then', async () => {
    const old = { values: formValues({ namespace: 'elsewhere' }) };
    expect(await search(robin, 'check', old)).toEqual(CHECKOUT);
    const typed = { metadata: NOWHERE, values: formValues({ namespace: 'payments' }) };
    expect(await search(robin, 'check', typed)).toEqual([]);
  });

  test('a namespace may be written before the name, whatever the form says', async () => {
    const there = CHECKOUT.map((value) => `payments/${value}`);
    expect(await search(robin, 'payments/check', { metadata: NOWHERE })).toEqual(there);
    const elsewhere = placeText({ cluster: 'sandbox', namespace: 'elsewhere' });
    expect(await search(robin, 'payments/check', { metadata: elsewhere })).toEqual(there);
    expect(await search(robin, 'sandbox/payments/check')).toEqual(CHECKOUT);
    for (const odd of ['a/b/c/d', '//', 'Pay ments/x', 'no-such/payments/check']) {
      expect(await search(robin, odd)).toEqual([]);
    }
  });

  test('the form follows what is typed into it, once nobody types any more, and keeps all of it', async () => {
    const filled = {
      reason: 'so far',
      duration: '20m',
      ticket: 'INC-1',
      target: CHECKOUT[0] ?? '',
    };
    const follow = async (namespace: string) =>
      lab.interaction(robin, {
        type: 'block_actions',
        actions: [{ type: 'plain_text_input', action_id: 'namespace', block_id: 'namespace' }],
        view: {
          id: lab.lastUpdated(),
          callback_id: DEBUG_FORM,
          private_metadata: '',
          state: { values: formValues({ ...filled, namespace }) },
        },
      });
    await lab.command(robin, '');
    await updated(1);
    for (const written of ['p', 'pa', 'pay', 'paym', 'payments']) await follow(written);
    const newest = () => lab.views('views.update').at(-1);
    await expect.poll(() => newest()?.['private_metadata'], SOON).toBe(PAYMENTS);
    const form = newest();
    // On a slow machine it may have been taken for done once in between.
    expect(lab.views('views.update').length).toBeLessThan(4);
    for (const part of Object.values(filled)) expect(text(form)).toContain(`"${part}"`);
    expect(text(form)).toContain('"initial_value":"payments"');
    // No user of Slack's is looked up for that.
    expect(lab.slack.count('users.info')).toBe(1);
    await follow('Not a name');
    await expect.poll(() => newest()?.['private_metadata'], SOON).toBe(NOWHERE);
  });

  test('the form that the command fills in before looks where the command says', async () => {
    await lab.command(robin, 'payments/checkout');
    await updated(1);
    const [form] = lab.views('views.update');
    expect(form?.['private_metadata']).toBe(PAYMENTS);
    expect(text(form)).toContain('"dispatch_action":true');
  });

  test('whom no rule lets in, and whoever is nobody, is offered nothing', async () => {
    expect(await search(alex, '')).toEqual([]);
    expect(await search(await lab.slack.user('sam'), '')).toEqual([]);
  });

  test('Slack is asked once who searches, and anew after half a minute', async () => {
    for (const typed of ['c', 'ch', 'che', 'chec']) await search(robin, typed);
    expect(lab.slack.count('users.info')).toBe(1);
    lab.clock.advance(31);
    await search(robin, 'check');
    expect(lab.slack.count('users.info')).toBe(2);
  });

  test('who searches without an end is offered nothing for the rest of the minute, and others are', async () => {
    for (let typed = 0; typed < 120; typed += 1) await search(robin, 'check');
    expect(await search(robin, 'check')).toEqual([]);
    lab.tied.set(alex, ROBIN);
    expect(await search(alex, 'check')).toEqual(CHECKOUT);
    lab.clock.advance(61);
    expect(await search(robin, 'check')).toEqual(CHECKOUT);
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
    await updated(2);
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

  test('what was chosen from another namespace is asked for there, or not at all', async () => {
    const there = { ...ASKED, target: 'payments/Deployment/checkout' };
    const answer = await ask({ ...there, namespace: 'elsewhere' });
    expect(answer.body).toMatchObject({ errors: { target: /It is in payments/ } });
    expect(await sessions()).toEqual([]);
    const { namespace: _, ...nowhere } = there;
    await ask(nowhere);
    expect(await sessions()).toMatchObject([{ request: { namespace: 'payments' } }]);
  });

  test('a name that has no room in an option is asked for whole', async () => {
    const name = `checkout-${'x'.repeat(200)}`;
    lab.targets.others.push(name);
    const [value] = targetOption({ kind: 'Deployment', name });
    expect(value.length).toBeLessThanOrEqual(150);
    await ask({ ...ASKED, target: value });
    expect(await sessions()).toMatchObject([{ request: { target: { name } } }]);
    const gone = await ask({ ...ASKED, target: `${value.slice(0, -1)}?` }, 'V2');
    expect(gone.body).toMatchObject({ errors: { target: /not there any more/ } });
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

  test('where policy asks why, the form is opened before anything is looked up', async () => {
    const session = await asked();
    lab.isStuck = true;
    lab.slack.fail('users.info', { word: 'token_revoked' });
    const before = lab.slack.count('users.info');
    await lab.press(alex, BUTTONS.approve, buttonValue(session, true));
    await opened(1);
    expect(lab.slack.count('users.info')).toBe(before);
    expect(lab.views('views.open')[0]).toMatchObject({ callback_id: WORD_FORMS.approve });
    expect((await lab.store.find(session.id))?.state).toBe('pending');
  });

  test('who presses without an end is told so, and others are served', async () => {
    const session = await asked();
    const stale = buttonValue({ ...session, version: session.version + 9 });
    for (let press = 0; press < 31; press += 1) await lab.press(alex, BUTTONS.approve, stale);
    await expect.poll(() => lab.told().length).toBe(31);
    expect(lab.told().filter((said) => said.includes('in a minute'))).toHaveLength(1);
    expect(lab.slack.count('users.info')).toBe(31);
    await lab.press(robin, BUTTONS.end, buttonValue(session));
    await expect.poll(async () => (await lab.store.find(session.id))?.state).toBe('ended');
  });

  test('the audit log says by which account in Slack, and in which request', async () => {
    const session = await asked();
    await lab.press(alex, BUTTONS.approve, buttonValue(session));
    await expect.poll(async () => (await lab.store.find(session.id))?.state).not.toBe('pending');
    const actors = lab.store.log.entries.map(
      ({ body }) => Body.parse(JSON.parse(body.toString())).actor,
    );
    expect(actors).toContainEqual(
      expect.objectContaining({
        sub: ALEX.sub,
        channel: 'slack',
        slack: { team: expect.any(String) as unknown, user: alex },
        request: expect.stringMatching(/^request-\d+$/) as unknown,
      }),
    );
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
