import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../domain/audit/canonical.js';
import { problem } from '../../domain/problem.js';
import { Refused } from './refused.error.js';

/** A place in a list that is sorted by time and id, newest first. */
export interface Place {
  readonly at: Date;
  readonly id: string;
}

/** Milliseconds since 1970, to the end of the year 9999: PostgreSQL knows later ones, other programs do not. */
const INSTANT_MAX = 253_402_300_799_999;

/** The cursors of one list with one set of filters: those of another list or of other filters are refused. */
export class ListCursor {
  private readonly mark: string;
  private readonly parts;

  /** @param id what the ids of the list look like: a made-up cursor must not reach the store with any other. */
  constructor(list: string, filters: object, id: z.ZodType<string>) {
    this.parts = z.tuple([z.string(), z.int().min(0).max(INSTANT_MAX), id]);
    this.mark = createHash('sha256')
      .update(canonicalJson([list, filters]))
      .digest('base64url')
      .slice(0, 11);
  }

  /** The cursor after this place. Opaque to clients; it grants nothing, so it is not signed. */
  after({ at, id }: Place): string {
    return Buffer.from(JSON.stringify([this.mark, at.getTime(), id])).toString('base64url');
  }

  /** The place that a cursor stands for. @throws Refused where it is none of this list's. */
  parse(cursor: string): Place {
    const parts = this.parts.safeParse(decoded(cursor));
    if (!parts.success || parts.data[0] !== this.mark) {
      throw new Refused(
        problem(
          'invalid-cursor',
          'Send the "nextCursor" of the page before, with the same filters.',
          {
            errors: [{ path: 'cursor', message: 'is not a cursor of this list' }],
          },
        ),
      );
    }
    const [, time, id] = parts.data;
    return { at: new Date(time), id };
  }
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The value of a Link header to the next page (RFC 8288). */
export function nextLink(url: string, cursor: string): string {
  const [path = '/', query] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `<${path}?${parameters.toString()}>; rel="next"`;
}
