import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { PACES } from '../e2e/cluster.world.js';
import { MainJobLab } from '../e2e/main-job.lab.js';
import { givenCluster } from './given.cluster.js';

const LIMIT_MS = 3 * PACES.real.patienceMs;
const WAYS = [
  { way: 'classic', file: 'rbac-impersonate.yaml' },
  { way: 'constrained', file: 'rbac-impersonate-constrained.yaml' },
] as const;

/** With the rights of deploy/ alone, on the cluster of KUBECONFIG; the constrained way is Kubernetes 1.36's. */
describe.each(WAYS)('a broker that acts in people’s names ($way)', ({ file }) => {
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
