import { expect, test } from 'vitest';
import { clustersSection } from './clusters.section.js';

const parse = (impersonate: object) =>
  clustersSection.safeParse([{ name: 'prod', inCluster: true, impersonate }]);

test('acting in people’s names needs no more than to be said', () => {
  expect(parse({}).data?.[0]?.impersonate).toEqual({
    userPrefix: 'hallpass:',
    group: 'hallpass:sessions',
  });
  expect(parse({ group: 'people', userPrefix: 'debug:' }).success).toBe(true);
});

test.each([
  [{ group: 'system:masters' }, /must be no group of Kubernetes’ own/],
  [{ userPrefix: 'system:' }, /must be no user of Kubernetes’ own/],
  [{ userPrefix: '' }, /./],
  [{ group: 'two words' }, /without spaces/],
  [{ group: 'people\r\nX: y' }, /without spaces/],
  [{ mode: 'classic' }, /mode/],
])('%j is refused', (impersonate, says) => {
  expect(parse(impersonate).error?.message).toMatch(says);
});
