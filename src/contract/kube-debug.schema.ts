import { z } from 'zod';

const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
const words = z.array(z.string().max(131_072)).max(1_000);

/**
 * The patch that `kubectl debug` sends to `pods/NAME/ephemeralcontainers` (strategic merge; measured:
 * test/kubernetes-1.36/kubectl): one new container. What a profile decides (`securityContext` above all) is read over.
 * `kubectl patch --subresource=ephemeralcontainers` may send annotations with it.
 */
export const KubeDebugPatch = z.object({
  metadata: z
    .object({
      annotations: z.record(z.string().max(317), z.string().max(4096)).default({}),
    })
    .default({ annotations: {} }),
  spec: z.object({
    ephemeralContainers: z
      .array(
        z.object({
          name,
          image: z.string().min(1).max(1024),
          targetContainerName: name.optional(),
          command: words.optional(),
          args: words.optional(),
          stdin: z.boolean().default(false),
          tty: z.boolean().default(false),
          env: z
            .array(z.object({ name: z.string().max(256), value: z.string().max(4096).default('') }))
            .max(100)
            .default([]),
        }),
      )
      .length(1, 'ask for one container at a time'),
  }),
});
export type KubeDebugPatch = z.infer<typeof KubeDebugPatch>;
export type KubeDebugContainer = KubeDebugPatch['spec']['ephemeralContainers'][number];
