import type { SessionView } from '../../contract/session.schema.js';
import type { Person } from '../../domain/person.js';

/** A person as others see them. */
export function personView({ sub, name, email }: Person): SessionView['requester'] {
  return {
    sub,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
  };
}
