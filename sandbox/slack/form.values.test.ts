import { expect, test } from 'vitest';
import { debugView, readDebugForm } from '../../src/adapters/slack/debug.modal.js';
import { FormSent } from '../../src/adapters/slack/slack.payloads.js';
import { initialOf, valuesOf } from './form.values.js';
import { View } from './slack.shapes.js';

const view = View.parse(
  debugView(
    { namespace: 'payments', name: 'checkout', durationSeconds: 1800, reason: 'pool exhausted' },
    {
      clusters: ['east', 'west'],
      defaultDurationSeconds: 900,
      target: ['Deployment/checkout', 'checkout (Deployment)'],
    },
  ),
);

/** What the broker reads from the form as it is sent. */
function readBack(filled: Readonly<Record<string, string>>) {
  const values = valuesOf(view, { ...initialOf(view), ...filled });
  const sent = FormSent.parse({ user: { id: 'U1' }, view: { id: 'V1', state: { values } } });
  return readDebugForm(sent.view);
}

test('a form that nobody touched is sent as it was given', () => {
  expect(initialOf(view)).toMatchObject({ namespace: 'payments', duration: '30m', cluster: '' });
  expect(readBack({})).toEqual({
    asked: {
      namespace: 'payments',
      target: { workload: { kind: 'Deployment', name: 'checkout' } },
      reason: 'pool exhausted',
      durationSeconds: 1800,
    },
  });
});

test('what is typed, chosen and ticked is what the broker reads', () => {
  const filled = { cluster: 'west', target: 'Pod/cart-0', profile: 'shell', glass: 'break-glass' };
  expect(readBack({ ...filled, reason: '<!channel>' })).toMatchObject({
    asked: {
      cluster: 'west',
      target: { pod: 'cart-0' },
      profile: 'shell',
      breakGlass: true,
      reason: '<!channel>',
    },
  });
});

test('what was emptied is not there', () => {
  expect(readBack({ target: '', reason: '' })).toHaveProperty('errors.reason');
});
