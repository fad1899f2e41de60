import { test } from 'vitest';
import { PACES } from '../e2e/cluster.world.js';
import { describeMainJob } from '../e2e/main-job.js';
import { givenCluster } from './given.cluster.js';

const given = givenCluster(process.env);

if (typeof given === 'string') {
  test('the main job on the cluster of KUBECONFIG', () => {
    throw new Error(given);
  });
} else {
  describeMainJob('the main job on the cluster of KUBECONFIG', {
    pace: PACES.real,
    settings: () => given,
  });
}
