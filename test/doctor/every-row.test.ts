import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokenSandbox, FAULTS } from '../../sandbox/demo/broken.sandbox.js';
import { live } from '../../sandbox/demo/play.doctor.js';
import { NAMESPACES } from '../../sandbox/sandbox.js';
import { judgeApi, judgeHeard, judgeVersion } from '../../src/domain/doctor/cluster.verdicts.js';
import { judgeContainers } from '../../src/domain/doctor/containers.verdict.js';
import type { CheckName, Finding, Judgement } from '../../src/domain/doctor/finding.js';
import { CHECKS, Unseen } from '../../src/domain/doctor/finding.js';
import {
  judgeCertificate,
  judgeCollector,
  judgeDatabase,
  judgeReach,
} from '../../src/domain/doctor/service.verdicts.js';
import { BrokerLab } from '../support/broker.lab.js';
import { doctor } from './doctor.lab.js';

const AWAY = new Unseen('nobody answers there', 'look at the way there');
const STRANGER = { pod: 'web', container: 'hallpass-x', startedAt: '2026-01-01T00:00:00Z' };
const V1_24 = { major: '1', minor: '24', gitVersion: 'v1.24.0' };

/** What is wrong beside what a sandbox is broken in: rows that it has not, or that would hide the others. */
const ELSEWHERE: Partial<Readonly<Record<CheckName, () => Judgement>>> = {
  kubernetes: () => judgeVersion(V1_24),
  'kubernetes-api': () =>
    judgeApi({ version: V1_24, subresources: new Map(), admissionPolicies: true }),
  database: () => judgeDatabase(AWAY),
  certificate: () => judgeCertificate({ validFrom: new Date(0), validTo: new Date(1) }, new Date()),
  traces: () => judgeCollector(AWAY),
  containers: () => judgeContainers([STRANGER]),
  channels: () => judgeReach(AWAY),
  sinks: () => judgeReach(AWAY),
  'audit-webhook': () => judgeHeard(null, new Date()),
};

let lab: BrokerLab;
let broken: BrokenSandbox;
let policies: string;
beforeAll(async () => {
  lab = await BrokerLab.start();
  broken = await BrokenSandbox.open(lab.sandbox, lab.database.adminUrl);
  policies = join(lab.sandbox.folder, 'policies-wrong');
  await mkdir(policies);
  await writeFile(join(policies, 'wrong.yaml'), 'kind: Nothing\n');
}, 120_000);
afterAll(async () => {
  await broken[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/** What the doctor sees where Hallpass runs, and from an administrator's laptop. */
async function looked(): Promise<readonly Finding[]> {
  const { path } = await lab.config(broken.told);
  const { adminKubeconfig: kubeconfig } = lab.sandbox;
  const [here, laptop] = await Promise.all([
    doctor({ config: path }),
    doctor({ kubeconfig, namespaces: NAMESPACES }),
  ]);
  return [...here.all, ...laptop.all];
}

const bad = (findings: readonly Finding[]) =>
  findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'failure');

test('a sandbox that is broken in many ways has a row about each, which says what to do, and none once it is mended', async () => {
  await live(broken);
  await broken.breakAll();
  const rows = bad(await looked());
  expect(new Set(rows.map(({ check }) => check))).toEqual(
    new Set(FAULTS.flatMap(({ checks }) => checks)),
  );
  expect(rows.filter(({ advice }) => advice === null || advice.length < 10)).toEqual([]);
  await broken.mendAll();
  expect(bad(await looked())).toEqual([]);
}, 60_000);

test('each check can fail or warn, and says then what to do', async () => {
  const wrong = await lab.config({ policies });
  const nothing = join(lab.sandbox.folder, 'nothing.yaml');
  await writeFile(nothing, 'server: { portt: 1 }\n');
  const rows = bad([
    ...(await doctor({ config: wrong.path })).of('policies'),
    ...(await doctor({ config: nothing })).of('configuration'),
  ]);
  expect(rows.every(({ advice }) => advice !== null)).toBe(true);
  for (const judge of Object.values(ELSEWHERE)) {
    expect(judge()).toMatchObject({
      verdict: expect.stringMatching(/^(?:warning|failure)$/),
      advice: expect.stringMatching(/\w+ \w+/),
    });
  }
  const covered = [
    ...FAULTS.flatMap(({ checks }) => checks),
    ...rows.map(({ check }) => check),
    ...Object.keys(ELSEWHERE),
  ];
  expect(new Set(covered)).toEqual(new Set(Object.keys(CHECKS)));
});
