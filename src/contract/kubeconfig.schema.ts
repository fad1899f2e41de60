import { z } from 'zod';

/** A kubeconfig as YAML. */
export const Kubeconfig = z.string().meta({
  id: 'Kubeconfig',
  description: 'A kubeconfig (YAML) with one cluster, one user and one context.',
});

export const KubeconfigQuery = z.strictObject({
  credential: z.enum(['plugin', 'token']).exactOptional().meta({
    description:
      '`plugin` (the default): the person’s own login, by `hallpass kube-credential`. `token`: a token of the session.',
  }),
});
