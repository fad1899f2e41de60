import { stringify } from 'yaml';

/** A kubeconfig for one user, as kubectl and client-node read it. */
export function kubeconfigYaml(parts: {
  url: string;
  caPem: string;
  user: string;
  token: string;
  namespace?: string;
}): string {
  const { url, caPem, user, token, namespace } = parts;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'stand-in',
        cluster: {
          server: url,
          'certificate-authority-data': Buffer.from(caPem).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [
      {
        name: 'stand-in',
        context: { cluster: 'stand-in', user, ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
    'current-context': 'stand-in',
  });
}
