import { expect, test } from 'vitest';
import { mergedKubeconfig } from './kubeconfig.merge.js';

const config = (name: string, server: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name, cluster: { server } }],
  users: [{ name, user: {} }],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': name,
});

test('what was there stays, what has the same name is replaced, and the new context is the current one', () => {
  const mine = { ...config('mine', 'https://a'), preferences: { colors: true } };
  const first = mergedKubeconfig(mine, config('hallpass-x', 'https://b'));
  const again = mergedKubeconfig(
    typeof first === 'string' ? {} : first.config,
    config('hallpass-x', 'https://c'),
  );
  expect(again).toMatchObject({
    context: 'hallpass-x',
    config: {
      preferences: { colors: true },
      'current-context': 'hallpass-x',
      clusters: [
        { name: 'mine', cluster: { server: 'https://a' } },
        { name: 'hallpass-x', cluster: { server: 'https://c' } },
      ],
    },
  });
});

test('a file that is no kubeconfig is left alone', () => {
  expect(mergedKubeconfig({ clusters: 'none' }, config('x', 'https://b'))).toContain(
    'no kubeconfig',
  );
  expect(mergedKubeconfig('text', config('x', 'https://b'))).toContain('no kubeconfig');
});
