import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isObject } from './json.value.js';

/** What a real Kubernetes 1.36.2 answered; see test/kubernetes-1.36/README.md. */
const folder = fileURLToPath(new URL('../../test/kubernetes-1.36/', import.meta.url));

const Answer = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown().optional(),
});

export const HttpRecording = z.object({
  request: z.object({
    method: z.string(),
    path: z.string(),
    contentType: z.string().optional(),
    identity: z.string().optional(),
    body: z.unknown().optional(),
  }),
  response: Answer,
});
export type HttpRecording = z.infer<typeof HttpRecording>;

export const StreamRecording = z.object({
  request: z.object({ path: z.string(), offeredSubprotocols: z.array(z.string()) }),
  acceptedSubprotocol: z.string().optional(),
  response: Answer.optional(),
  frames: z.array(
    z.object({
      atMs: z.number(),
      from: z.enum(['server', 'client']).optional(),
      channel: z.number().optional(),
      text: z.string().optional(),
      close: z.boolean().optional(),
      closed: z.object({ code: z.number(), reason: z.string() }).optional(),
      error: z.string().optional(),
    }),
  ),
});
export type StreamRecording = z.infer<typeof StreamRecording>;

export const WatchRecording = z.object({
  ephemeralContainer: z.record(z.string(), z.unknown()).optional(),
  request: z.object({ path: z.string() }),
  status: z.number(),
  events: z.array(z.object({ atMs: z.number(), line: z.record(z.string(), z.unknown()) })),
});
export type WatchRecording = z.infer<typeof WatchRecording>;

export const KubectlRecording = z.object({
  requests: z.array(
    z.object({
      method: z.string(),
      url: z.string(),
      upgrade: z.boolean().optional(),
      headers: z.record(z.string(), z.string()),
      status: z.number().optional(),
      type: z.string().optional(),
      answer: z.array(z.string()).optional(),
    }),
  ),
  kubectlPrinted: z.string(),
});

export function read<T>(file: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
}

/** Every recording, as `patch/created.json`. */
export function allRecordings(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

const patterns: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/containerd:\/\/[0-9a-f]{64}/g, '<container>'],
  [/sha256:[0-9a-f]{64}/g, '<image>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<id>'],
  [/10\.244\.0\.\d+/g, '<pod ip>'],
  [/127\.0\.0\.1:(?!1\/|1:)\d{2,5}/g, '<server>'],
  [/current: \d+/g, 'current: <version>'],
  [/resource version: 1 \(\d+\)/g, 'resource version: 1 (<version>)'],
  // The epoch is kept: it is what "never started" is written as.
  [/(?!1970)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'],
];

/**
 * The comparison rule: uids, times, resourceVersions, container, image and network identities are replaced by what they
 * are; `managedFields` and the Pod-level `status.resources` (an artefact of the recording host's cgroups) are left out.
 * Everything else must be equal.
 */
export function normalise(value: unknown, at = ''): unknown {
  if (typeof value === 'string') {
    if (value === '00000000-0000-0000-0000-000000000000') return value;
    return at === 'resourceVersion'
      ? '<version>'
      : patterns.reduce(
          (text, [pattern, name]) =>
            text.replace(pattern, (found) => (found.startsWith('00000000-') ? found : name)),
          value,
        );
  }
  if (Array.isArray(value)) return value.map((item) => normalise(item));
  if (!isObject(value)) return value;
  const isPodStatus = value['phase'] !== undefined && value['qosClass'] !== undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'managedFields' && !(isPodStatus && name === 'resources'))
      .map(([name, inner]) => [name, normalise(inner, name)]),
  );
}
