import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { NO_APPROVALS } from '../support/policies.js';
import { ROBIN } from '../support/sessions.js';
import { SIGNING_SECRET, SlackAppLab } from '../support/slack.app.lab.js';

let lab: SlackAppLab;
let api: Api;
let robin: string;
beforeAll(async () => {
  lab = await SlackAppLab.open(NO_APPROVALS);
  robin = await lab.slack.user('robin');
  lab.tied.set(robin, ROBIN);
  api = await startApi({ deps: { slackInbox: lab.receiver } });
});
afterAll(async () => {
  await api.close();
  await lab.close();
});
beforeEach(() => {
  lab.slack.calls.length = 0;
});

async function post(body: string, more: { headers?: Record<string, string>; sign?: string } = {}) {
  const at = String(lab.clock.now().getTime() / 1000);
  const hmac = createHmac('sha256', SIGNING_SECRET).update(`v0:${at}:${more.sign ?? body}`);
  const response = await fetch(`${api.url}/slack/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${hmac.digest('hex')}`,
      ...more.headers,
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}

const command = (text: string, trigger: string) =>
  new URLSearchParams({
    command: '/debug',
    user_id: robin,
    team_id: 'T1',
    trigger_id: trigger,
    text,
  }).toString();

test('a command that is posted and signed opens the modal', async () => {
  expect(await post(command('', lab.trigger(robin)))).toEqual({ status: 200, text: '' });
  await expect.poll(() => lab.slack.count('views.update'), { interval: 5 }).toBe(1);
  expect(lab.slack.count('views.open')).toBe(1);
});

test('a body that is not what was signed, or was posted before, is refused and does nothing', async () => {
  const body = command('a', lab.trigger(robin));
  expect(await post(body, { sign: `${body}&text=b` })).toMatchObject({ status: 401 });
  expect(await post(body)).toMatchObject({ status: 200 });
  await expect.poll(() => lab.slack.count('views.update'), { interval: 5 }).toBe(1);
  expect(await post(body)).toMatchObject({ status: 401 });
  expect(await post('', { headers: { 'x-slack-signature': '' } })).toMatchObject({ status: 401 });
});

test('what Slack tries again is done where its first try was not heard, and once where it was', async () => {
  const body = command('', lab.trigger(robin));
  const again = (number: number) => post(body, { headers: { 'x-slack-retry-num': `${number}` } });
  expect(await again(1)).toEqual({ status: 200, text: '' });
  await expect.poll(() => lab.slack.count('views.update'), { interval: 5 }).toBe(1);
  // It is signed anew each time, and known by its trigger.
  lab.clock.advance(60);
  expect(await again(2)).toEqual({ status: 200, text: '' });
  expect(lab.slack.count('views.open')).toBe(1);
});

test('what is signed and is nothing of ours is answered, and does nothing', async () => {
  expect(await post('payload=%7B')).toMatchObject({ status: 400 });
  expect(await post('payload=[]')).toMatchObject({ status: 400 });
  expect(await post('a=b')).toMatchObject({ status: 200 });
  expect(lab.slack.count('views.open')).toBe(0);
});

test('Slack is told that the address is ours', async () => {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ type: 'url_verification', challenge: 'abc' });
  expect(await post(body, { headers })).toEqual({ status: 200, text: '{"challenge":"abc"}' });
});

test('a body that is too large is not read', async () => {
  expect((await post('a'.repeat(300 * 1024))).status).toBe(413);
});
