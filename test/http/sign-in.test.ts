import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

const CLIENT = {
  issuer: 'https://id.example',
  clientId: 'hallpass-cli',
  scopes: ['openid', 'groups'],
  resource: null,
};

let api: Api;
beforeAll(async () => {
  api = await startApi({ settings: { signIn: [CLIENT] } });
});
afterAll(() => api.close());

test('everybody is told where the command line signs its person in', async () => {
  const { status, body } = await api.call('readSignIn', { path: '/v1/sign-in' });
  expect([status, body]).toEqual([200, { issuers: [CLIENT] }]);
});

test('what the command line does is noted as done with it', async () => {
  const asked = await api.ask({}, 'robin');
  const path = `/v1/sessions/${asked.body.id}/end`;
  const headers = { 'user-agent': 'hallpass/1.0.0' };
  await api.call('endSession', { who: 'robin', method: 'POST', path, headers });
  const steps = await api.store.steps(asked.body.id, 0);
  expect(steps.map(({ actor }) => actor.kind === 'person' && actor.channel)).toEqual([
    'api',
    'cli',
  ]);
});
