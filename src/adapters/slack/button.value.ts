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

/** What a button says when it is pressed: of which session, as it was when the message was written. */
export function buttonValue({ id, version }: Pick<Session, 'id' | 'version'>): string {
  return `${id}:${version}`;
}

/** Undefined where it is none of ours. */
export function parseButtonValue(
  value: string,
): { readonly id: SessionId; readonly version: number } | undefined {
  const [, text = '', version = ''] = /^([^:]{1,32}):(\d{1,9})$/.exec(value) ?? [];
  const id = parseSessionId(text);
  return id === undefined ? undefined : { id, version: Number(version) };
}
