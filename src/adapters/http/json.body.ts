import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { problem } from '../../domain/problem.js';
import { REQUEST_BOUNDS } from './http.settings.js';
import { hasNameTwice } from './json.names.js';
import { Refused } from './refused.error.js';

/**
 * The JSON value of a request's body; undefined for an empty one.
 *
 * @throws Refused where it is compressed, not UTF-8 (RFC 8259 §8.1), nested too deeply, no JSON, or names a member twice
 * (RFC 7493 §2.3).
 */
export function parseJsonBody(
  body: Buffer,
  headers: IncomingHttpHeaders,
  depthMax: number = REQUEST_BOUNDS.jsonDepthMax,
): unknown {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new Refused(problem('unsupported-media-type', 'Send the body without compression.'));
  }
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw notJson('The body is not UTF-8.');
  const text = body.toString('utf8');
  if (isTooDeep(text, depthMax)) {
    throw notJson(`The body is nested more than ${depthMax} levels deep.`);
  }
  const value = parsed(text);
  if (hasNameTwice(text)) throw notJson('The body has two members of one name in one object.');
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the body: it stays in the log.
    throw notJson('The body is not JSON.', error);
  }
}

function notJson(detail: string, cause?: unknown): Refused {
  return new Refused(problem('invalid-request', detail, { cause }));
}

/** Whether brackets nest deeper than `max`, found without recursion before anything recursive sees the text. */
function isTooDeep(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index++;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === '{' || character === '[') {
      if (++depth > max) return true;
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return false;
}
