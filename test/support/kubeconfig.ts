import { stringify } from 'yaml';

/** A kubeconfig of one cluster and one user, as their entries are. */
export function kubeconfigOf(cluster: object, user: object = { token: 'x' }): string {
  return stringify({
    clusters: [{ name: 'a', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'a', user: 'u' } }],
    'current-context': 'c',
  });
}

/** One of a server of a test's own on this machine, without TLS. */
export function kubeconfigOfPort(port: number, path = ''): string {
  const server = `http://127.0.0.1:${port}${path}`;
  return kubeconfigOf({ server, 'insecure-skip-tls-verify': true });
}
