import { delimiter } from 'node:path';
import type { WorldSettings } from '../e2e/cluster.world.js';

/** What has to be set, and what each is. */
const NEEDED = {
  KUBECONFIG: 'the kubeconfig file of an admin of the cluster; its current context is used',
  TEST_APP_IMAGE: 'an image that runs until it is stopped, by its own command',
  TEST_DEBUG_IMAGE: 'an image with a POSIX shell at /bin/sh and `date`, such as busybox',
} as const;

const SEVERAL_FILES =
  'KUBECONFIG names several files: set it to one file (`kubectl config view --flatten` makes one of them).';

/** The kubeconfig alone, for what starts no container. @throws Error with a sentence that says what to set. */
export function givenKubeconfig(env: Readonly<Record<string, string | undefined>>): string {
  const { KUBECONFIG = '' } = env;
  if (KUBECONFIG === '') throw new Error(`Set KUBECONFIG to ${NEEDED.KUBECONFIG}.`);
  if (KUBECONFIG.includes(delimiter)) throw new Error(SEVERAL_FILES);
  return KUBECONFIG;
}

/** The cluster that the environment names, or a sentence that says what to set. */
export function givenCluster(
  env: Readonly<Record<string, string | undefined>>,
): Omit<WorldSettings, 'pace'> | string {
  const missing = Object.entries(NEEDED).filter(([name]) => !env[name]);
  if (missing.length > 0) {
    return missing.map(([name, what]) => `Set ${name} to ${what}.`).join(' ');
  }
  const { KUBECONFIG = '', TEST_APP_IMAGE = '', TEST_DEBUG_IMAGE = '' } = env;
  if (KUBECONFIG.includes(delimiter)) return SEVERAL_FILES;
  return {
    adminKubeconfig: KUBECONFIG,
    images: { app: TEST_APP_IMAGE, debug: TEST_DEBUG_IMAGE },
  };
}
