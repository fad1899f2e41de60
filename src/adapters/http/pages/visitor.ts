import { personOf } from '../../../app/caller.js';
import { displayName } from '../../../domain/person.js';
import { invariant } from '../../../domain/problem.js';
import type { VisitedRequest } from './page.door.js';
import type { Page } from './page.js';

/** Who a page is shown to, as the door let them in. */
export function visitorOf(request: VisitedRequest): NonNullable<Page['visitor']> {
  return {
    name: displayName(personOf(invariant(request.caller, 'a page without a caller'))),
    formToken: invariant(request.formToken, 'a page without a token for its forms'),
  };
}
