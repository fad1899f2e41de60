import { z } from 'zod';
import { ProblemDocument } from '../../contract/problem.schema.js';

/** What is typed or pasted goes in messages of so many bytes. */
export const PART_BYTES = 32 * 1024;
/** The broker sends none that is larger (its own bound is 256 KiB, and a margin). */
export const MESSAGE_BYTES_MAX = 1024 * 1024;

const Refusal = ProblemDocument.partial({ instance: true }).loose();

/** Why a stream is over. */
export const StreamEnd = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), code: z.int().min(0).max(255) }),
  z.object({
    kind: z.literal('session-over'),
    reason: z.string().nullable(),
    detail: z.string(),
  }),
  z.object({ kind: z.literal('left') }),
  z.object({ kind: z.literal('lost'), detail: z.string() }),
  z.object({ kind: z.literal('shutdown') }),
  z.object({ kind: z.literal('refused'), problem: Refusal }),
]);
export type StreamEnd = z.infer<typeof StreamEnd>;

/** What the broker says in text messages; types that are not known are passed over. */
export const ServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open') }),
  z.object({ type: z.literal('notice'), kind: z.string(), text: z.string() }),
  z.object({ type: z.literal('line'), recording: z.string(), line: z.string() }),
  z.object({ type: z.literal('end') }).loose(),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

/** A message of the broker; undefined for what this version does not know. */
export function serverMessage(text: string): ServerMessage | undefined {
  try {
    return ServerMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
