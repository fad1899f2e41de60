import { z } from 'zod';

export const ClusterList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        name: z.string(),
        namespaces: z.array(z.string()).meta({
          description:
            'Patterns of the namespaces that Hallpass may touch there; `*` stands for any characters.',
        }),
      }),
    ),
  })
  .meta({
    id: 'ClusterList',
    examples: [{ items: [{ name: 'prod-eu', namespaces: ['payments', 'shop-*'] }] }],
  });
export type ClusterList = z.infer<typeof ClusterList>;
