import { z } from 'zod';
import { instant } from './text.schema.js';

export const ClusterItem = z.strictObject({
  name: z.string(),
  namespaces: z.array(z.string()).meta({
    description:
      'Patterns of the namespaces that Hallpass may touch there; `*` stands for any characters.',
  }),
  health: z
    .strictObject({
      state: z.enum(['unknown', 'reachable', 'unreachable', 'unsupported']).meta({
        description:
          '`unknown`: it was not asked yet. `unsupported`: it answers, and can have no sessions.',
      }),
      since: instant().nullable().meta({ description: 'Since when it can be reached, or cannot.' }),
      lastAnswerAt: instant().nullable(),
      why: z.string().nullable().meta({ description: 'What is the matter with it.' }),
      advice: z.string().nullable().meta({ description: 'What its operators can do about it.' }),
      version: z.string().nullable().meta({ description: 'Of Kubernetes, as it says itself.' }),
      credentialsRefusedSince: instant().nullable().meta({
        description:
          'Since when its kubeconfig, or what that names, is one that cannot be used, so that the one before is.',
      }),
    })
    .meta({ description: 'How it is, as the replica that answers knows it.' }),
});

export const ClusterList = z.strictObject({ items: z.array(ClusterItem) }).meta({
  id: 'ClusterList',
  examples: [
    {
      items: [
        {
          name: 'prod-eu',
          namespaces: ['payments', 'shop-*'],
          health: {
            state: 'unreachable',
            since: '2026-11-28T10:00:00.000Z',
            lastAnswerAt: '2026-11-28T09:59:57.000Z',
            why: 'It does not answer in time.',
            advice:
              'Check firewalls and the egress of the NetworkPolicy, and how its API server is.',
            version: 'v1.36.2',
            credentialsRefusedSince: null,
          },
        },
      ],
    },
  ],
});
export type ClusterList = z.infer<typeof ClusterList>;
