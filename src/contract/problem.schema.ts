import { z } from 'zod';
import type { ProblemCode } from '../domain/problem.js';
import { PROBLEMS } from '../domain/problem.js';

/** The `type` of a problem over HTTP. */
export function problemType(code: ProblemCode): string {
  return `urn:hallpass:problem:${code}`;
}

/** A refusal over HTTP: `application/problem+json` (RFC 9457). */
export const ProblemDocument = z
  .strictObject({
    type: z.string().meta({
      description:
        'Which refusal this is. It never changes its meaning: decide by this and nothing else.',
      examples: [problemType('not-found')],
    }),
    title: z.string().meta({ description: 'The same sentence for every problem of this type.' }),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What happened this time, and what to do about it.' }),
    instance: z.string().meta({
      description:
        'This very request: `urn:request:` and its id, as in the header X-Request-Id and in the log.',
    }),
    errors: z
      .array(
        z.strictObject({
          path: z.string().meta({
            description: 'A JSON pointer (RFC 6901) into the body, or the name of a parameter.',
          }),
          message: z.string(),
        }),
      )
      .exactOptional()
      .meta({ description: 'Every place that is not acceptable.' }),
    retry_after_seconds: z.int().min(0).exactOptional().meta({
      description: 'When to try again; the header Retry-After says the same.',
    }),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457).' });

export type ProblemDocument = z.infer<typeof ProblemDocument>;

/** The codes that come with a status. */
export function codesOf(status: number): ProblemCode[] {
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter(
    (code) => PROBLEMS[code].status === status,
  );
}
