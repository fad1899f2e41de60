import { z } from 'zod';
import { WORKLOAD_KINDS } from '../domain/session/session.js';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { dnsLabel } from './text.schema.js';

export const TargetQuery = z.strictObject({
  namespace: dnsLabel().meta({ description: 'Of which namespace.' }),
  ...PAGE_QUERY,
});

/** What can be asked for in a namespace: its Pods, and the workloads that they belong to. */
export const TargetList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        kind: z.enum([...WORKLOAD_KINDS, 'Pod']),
        name: z.string(),
        ready: z.int().min(0).meta({ description: 'How many of its Pods are ready.' }),
        pods: z.int().min(1).meta({ description: 'How many Pods it has.' }),
        containers: z.array(z.string()).meta({ description: 'The containers of one of its Pods.' }),
      }),
    ),
    profiles: z
      .array(z.strictObject({ name: z.string(), image: z.string() }))
      .meta({ description: 'The profiles with which a rule might let the caller in there.' }),
    nextCursor: NEXT_CURSOR,
  })
  .meta({
    id: 'TargetList',
    examples: [
      {
        items: [
          { kind: 'Deployment', name: 'checkout', ready: 2, pods: 2, containers: ['app'] },
          { kind: 'Pod', name: 'checkout-7d9f-x2x4z', ready: 1, pods: 1, containers: ['app'] },
        ],
        profiles: [{ name: 'shell', image: 'registry.example.com/debug@sha256:9c1f…' }],
        nextCursor: null,
      },
    ],
  });
export type TargetList = z.infer<typeof TargetList>;
