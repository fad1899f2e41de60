import { z } from 'zod';

const Surroundings = z.object({
  databaseUrl: z.string(),
  identity: z.object({ issuer: z.string(), audience: z.string() }),
  kubeconfig: z.string(),
  namespaces: z.array(z.string()),
});

/** What the program `terminal.cluster` is told: its only argument, as JSON. */
export const ClusterOrders = z.strictObject({
  databaseUrl: z.string(),
  /** How many Pods shall run. */
  pods: z.int(),
});

/** What it says once they run. */
export const ClusterSaid = z.object({
  url: z.string(),
  caPem: z.string(),
  adminToken: z.string(),
  /** YAML, of the cluster's admin. */
  adminKubeconfig: z.string(),
  isolation: z.string(),
  /** Of everybody of the sandbox. */
  accessTokens: z.array(z.string()),
  tls: z.object({
    caPem: z.string(),
    caFile: z.string(),
    certFile: z.string(),
    keyFile: z.string(),
  }),
  surroundings: Surroundings,
});
export type ClusterSaid = z.infer<typeof ClusterSaid>;

/** What the program `terminal.broker` is told. */
export const BrokerOrders = z.strictObject({ configPath: z.string() });
export const BrokerSaid = z.object({ url: z.string() });

/** What it is asked: to record what is opened from now on, or not to, and how much processor time it took, and what it takes. */
export const BrokerAsked = z.enum(['record', 'forget', 'time', 'usage']);

/** What a process takes, after a collection of its garbage. */
export const Usage = z.object({
  heapBytes: z.number(),
  /** Memory that is not in V8's heap: buffers. */
  externalBytes: z.number(),
  rssBytes: z.number(),
});
export type Usage = z.infer<typeof Usage>;

/** Processor time since it began, and how many streams were not recorded. */
export const Time = z.object({ cpuMs: z.number(), forgotten: z.int() });
