import { z } from 'zod';

const text = z.string().nullish();

/**
 * What the API server says when it refuses (meta/v1 Status). `reason` and `causes` are its stable, machine-readable
 * part; `message` is for people.
 */
export const KubernetesStatus = z.looseObject({
  kind: text,
  status: text,
  message: text,
  reason: text,
  code: z.number().nullish(),
  details: z
    .looseObject({
      name: text,
      kind: text,
      retryAfterSeconds: z.number().nullish(),
      causes: z.array(z.looseObject({ reason: text, message: text, field: text })).nullish(),
    })
    .nullish(),
});
export type KubernetesStatus = z.infer<typeof KubernetesStatus>;

const TEXT_CHARACTERS_MAX = 4_000;

/** The Status in an answer's body; where the body is something else, a Status made of its text. Throws nothing. */
export function readStatus(body: string): KubernetesStatus {
  const parsed = KubernetesStatus.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  return { message: body.slice(0, TEXT_CHARACTERS_MAX) };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
