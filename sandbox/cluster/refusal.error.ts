import { isRefusal, type Refusal } from './status.objects.js';

/** For callers in this process, to whom a refusal of what they set up is a mistake of theirs. */
export function madeOrThrow<T extends object>(value: T | Refusal): T {
  if (!isRefusal(value)) return value;
  const { body } = value;
  throw new Error(typeof body === 'string' ? body : (body.message ?? JSON.stringify(body)));
}
