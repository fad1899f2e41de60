import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { fieldErrors, plainSentence } from '../../contract/field.errors.js';
import { problem } from '../../domain/problem.js';
import { Refused } from './refused.error.js';

/**
 * Parses what a handler takes by the schema of its `@Body({ schema })` or `@Query({ schema })`, and reports all that
 * is wrong at once. A parameter is named without the slash of a pointer.
 */
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema, type }: ArgumentMetadata): unknown {
    if (!(schema instanceof z.ZodType)) return value;
    const parsed = schema.safeParse(value, { error: plainSentence });
    if (parsed.success) return parsed.data;
    const errors = fieldErrors(schema, parsed.error.issues);
    if (type !== 'body') {
      throw new Refused(
        problem('invalid-request', 'Correct the parameters named in "errors".', {
          errors: errors.map(({ path, message }) => ({ path: path.slice(1), message })),
        }),
      );
    }
    if (value === undefined) {
      throw new Refused(problem('invalid-request', 'The request has no body. Send a JSON object.'));
    }
    throw new Refused(
      problem('invalid-fields', 'Correct the fields named in "errors" and send it again.', {
        errors,
      }),
    );
  }
}
