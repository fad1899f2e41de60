import { SetMetadata } from '@nestjs/common';

export const SESSION_TOKENS = 'hallpass:session-tokens';

/** Lets a controller's callers in by a token of the session that its path names in `:id`, too. */
export function TakesSessionTokens() {
  return SetMetadata<string, boolean>(SESSION_TOKENS, true);
}
