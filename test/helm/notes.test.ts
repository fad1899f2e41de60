import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { CHART, ChartLab } from '../support/chart.lab.js';
import { HARDENED } from '../support/chart.values.js';

let lab: ChartLab;
beforeAll(async () => {
  lab = await ChartLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What Helm says after an installation. */
async function notes(values: object): Promise<string> {
  const defaults = ['--values', `${CHART}/ci/default-values.yaml`, '--values', '-'];
  const args = ['install', 'hallpass', CHART, '--namespace', 'hallpass', '--dry-run=client'];
  const run = await lab.helm.run([...args, ...defaults], stringify(values));
  if (run.exitCode !== 0) throw new Error(run.stderr);
  return run.stdout.split('\nNOTES:\n')[1] ?? '';
}

describe('what Helm says after an installation', () => {
  test('names what is still missing before anybody can ask for anything, and what is still open', async () => {
    const said = await notes({ config: { clusters: [{ name: 'local', inCluster: true }] } });
    for (const sentence of [
      'It answers under https://hallpass.example.com',
      'neither ingress.enabled nor gateway.enabled is set',
      'No session can be had in the cluster "local" yet',
      'there are no policies',
      'The audit log has no anchor',
      'The image is named by a tag',
      'can go around Hallpass',
    ])
      expect(said).toContain(sentence);
  });

  test('tells what was asked for and is only half there', async () => {
    const gateway = { enabled: true, parentRefs: [{ name: 'public' }] };
    const tls = { enabled: true, existingSecret: 'mine' };
    const said = await notes({ gateway, tls, lockdown: { mode: 'enforce' } });
    expect(said).toContain('The Pods serve HTTPS, which the Gateway is not told');
    expect(said).toContain('What Hallpass itself adds is only looked at');
  });

  test('names nothing where nothing is missing', async () => {
    const said = await notes({ ...HARDENED, policies: { existingConfigMaps: ['policies'] } });
    expect(said).toContain('It answers under https://hallpass.example.com');
    expect(said).not.toMatch(
      /yet|no anchor|named by a tag|go around|neither|not told|only looked at/,
    );
  });
});
