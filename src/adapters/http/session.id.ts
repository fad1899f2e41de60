import { absent } from '../../app/read-session.js';
import type { SessionId } from '../../domain/session/session.js';
import { parseSessionId } from '../../domain/session/session.js';
import { Refused } from './refused.error.js';

const SHOWN_CHARACTERS_MAX = 64;

/** The session's id in a path. @throws Refused for what cannot be one, in the words for a session that is not there. */
export function sessionIdIn(path: string): SessionId {
  const id = parseSessionId(path);
  if (id !== undefined) return id;
  throw new Refused(absent(path.slice(0, SHOWN_CHARACTERS_MAX).replaceAll(/[^\w.-]/g, '?')));
}
