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

const Parts = z.tuple([
  z.string(),
  z.int().min(0).max(8_640_000_000_000_000),
  z.string().regex(/^[0-9a-z-]{1,64}$/),
]);

/** The cursors of one list with one set of filters: those of another list or of other filters are refused. */
export class ListCursor {
  private readonly mark: string;

  constructor(list: string, filters: object) {
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
    const parts = Parts.safeParse(decoded(cursor));
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
