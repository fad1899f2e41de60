import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BROKER_RIGHTS } from '../../sandbox/broker/broker.account.js';
import { rightText } from './broker.rights.js';
import { CLUSTER_RIGHTS } from '../../src/domain/cluster.rights.js';
import { RightsLab } from './rights.lab.js';

const SCOPES = [
  { scope: 'a namespace', account: 'broker-of-one', files: BROKER_RIGHTS },
  {
    scope: 'the cluster',
    account: 'broker-of-all',
    files: BROKER_RIGHTS.map((file) => `cluster-wide/${file}`),
  },
] as const;

describe.each(SCOPES)('the rights that deploy/ gives in $scope', ({ scope, account, files }) => {
  let lab: RightsLab;
  beforeAll(async () => {
    lab = await RightsLab.start(files, account);
    await lab.useAll();
  }, 120_000);
  afterAll(async () => {
    if (process.env['SHOW_RIGHTS'] !== undefined) show(scope, lab);
    await lab[Symbol.asyncDispose]();
  });

  test('are enough for the whole product', () => {
    const refused = lab.asked().filter(({ allowed }) => !allowed);
    expect(refused.map(rightText)).toEqual([]);
  });

  test('are all used by it: none can be left out', () => {
    const used = lab.asked().filter(({ allowed }) => allowed);
    const granted = lab.granted.map(rightText);
    expect(new Set(granted).size).toBe(granted.length);
    expect(used.map(rightText).toSorted()).toEqual(granted.toSorted());
  });

  test('are those of docs/permissions.md', () => {
    expect(lab.granted.map(rightText)).toEqual(CLUSTER_RIGHTS.map(rightText));
  });
});

/** What `npm run rbac` is for: each right that is granted, and how often the whole product used it. */
function show(scope: string, lab: RightsLab): void {
  const times = new Map(lab.asked().map((it) => [rightText(it), it.times]));
  const rows = lab.granted.map(
    (it) => `${rightText(it).padEnd(30)} granted, used ${times.get(rightText(it)) ?? 0} times`,
  );
  console.info([`\nIn ${scope}:`, ...rows].join('\n'));
}
