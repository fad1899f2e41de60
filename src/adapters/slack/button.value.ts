import { parseSessionId } from '../../domain/session/session.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/** What the buttons of messages are called. */
export const BUTTONS = {
  approve: 'hallpass_approve',
  deny: 'hallpass_deny',
  open: 'hallpass_open',
  end: 'hallpass_end',
  extend: 'hallpass_extend',
} as const;

/** What a button says when it is pressed. */
export interface ButtonSays {
  readonly id: SessionId;
  /** The session's, as the message showed it. */
  readonly version: number;
  /** Whether whoever presses is asked why, first: known here, so that nothing need be looked up before. */
  readonly asksWhy: boolean;
}

export function buttonValue(
  { id, version }: Pick<Session, 'id' | 'version'>,
  asksWhy = false,
): string {
  return `${id}:${version}${asksWhy ? ':why' : ''}`;
}

/** Undefined where it is none of ours. */
export function parseButtonValue(value: string): ButtonSays | undefined {
  const [, text = '', version = '', why] = /^([^:]{1,32}):(\d{1,9})(:why)?$/.exec(value) ?? [];
  const id = parseSessionId(text);
  return id === undefined
    ? undefined
    : { id, version: Number(version), asksWhy: why !== undefined };
}
