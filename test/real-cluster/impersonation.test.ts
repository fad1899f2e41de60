import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VersionApi } from '@kubernetes/client-node';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { PACES } from '../e2e/cluster.world.js';
import { loadKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.loader.js';
import { MainJobLab } from '../e2e/main-job.lab.js';
import { givenCluster, givenKubeconfig } from './given.cluster.js';

const LIMIT_MS = 3 * PACES.real.patienceMs;
const WAYS = [
  { way: 'classic', file: 'rbac-impersonate.yaml', since: 0 },
  { way: 'constrained', file: 'rbac-impersonate-constrained.yaml', since: 36 },
] as const;

const minor = await minorVersion(givenKubeconfig(process.env));
const ways = WAYS.filter(({ since }) => since <= minor);

/** With the rights of deploy/ alone, on the cluster of KUBECONFIG, by those of the ways that it knows. */
describe.each(ways)('a broker that acts in people’s names ($way)', ({ file }) => {
  const opened = new AsyncDisposableStack();
  let lab: MainJobLab;
  beforeAll(async () => {
    const given = givenCluster(process.env);
    if (typeof given === 'string') throw new Error(given);
    const rights = ['rbac.yaml', 'rbac-evict.yaml', file];
    lab = opened.use(
      await MainJobLab.start({ ...given, pace: PACES.real, rights }, { impersonate: {} }),
    );
  }, LIMIT_MS);
  afterAll(() => opened.disposeAsync(), LIMIT_MS);

  test(
    'adds the container, runs commands, reads logs and forwards ports, and ends the session as itself',
    async () => {
      const { pod, robin, session } = await lab.active();
      const path = `/v1/sessions/${session.id}/kubeconfig?credential=token`;
      const kubectl = await Kubectl.with(String((await robin.call('GET', path)).body), '1.36');
      opened.defer(() => kubectl.close());
      const run = async (...args: string[]) => {
        const { exitCode, stderr } = await kubectl.run(args);
        expect(stderr, args.join(' ')).toBe('');
        expect(exitCode).toBe(0);
      };
      await run('exec', pod.name, '--', 'true');
      await run('logs', pod.name, '-c', 'app');
      const forwarding = kubectl.start(['port-forward', pod.name, ':80']);
      await forwarding.until(({ stdout }) => stdout.includes('Forwarding from'));
      await forwarding.stop();
      await robin.act(session.id, 'end');
      const ended = await lab.until(robin, session, 'ended');
      expect(ended).toMatchObject({ endReason: 'left' });
    },
    LIMIT_MS,
  );
});

/** `1.36+` is 36. */
async function minorVersion(kubeconfig: string): Promise<number> {
  const settings = { name: 'given', inCluster: false, kubeconfig, namespaces: [] };
  const config = await loadKubeconfig(settings);
  const { minor: said } = await config.makeApiClient(VersionApi).getCode();
  await config.destroy();
  return Number.parseInt(said, 10);
}
