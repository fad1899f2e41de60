import { stringify } from 'yaml';
import type { KubeconfigFacts } from '../../../app/issue-kubeconfig.js';

const INSTALL_HINT =
  'hallpass signs you in. Install it from the package "hallpass", or ask those who run Hallpass.';

/** A kubeconfig (v1) as kubectl reads it, with one cluster, one user and one context, which is the current one. */
export function kubeconfigDocument(
  { name, path, namespace, token }: KubeconfigFacts,
  broker: { readonly url: string; readonly caPem?: string },
): string {
  const server = `${broker.url}${path}`;
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            server,
            ...(broker.caPem === undefined
              ? {}
              : {
                  'certificate-authority-data': Buffer.from(broker.caPem).toString('base64'),
                }),
          },
        },
      ],
      users: [{ name, user: token === null ? plugin(broker.url) : { token } }],
      contexts: [
        {
          name,
          context: { cluster: name, user: name, ...(namespace === null ? {} : { namespace }) },
        },
      ],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

/** The person's own login, by a credential plugin (client.authentication.k8s.io). */
function plugin(url: string): object {
  return {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'hallpass',
      args: ['kube-credential', '--server', url],
      interactiveMode: 'IfAvailable',
      provideClusterInfo: false,
      installHint: INSTALL_HINT,
    },
  };
}
