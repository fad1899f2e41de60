import type { TextPattern } from '../../domain/policy/condition.js';

export function textPattern(_source: string): TextPattern | { readonly error: string } {
  return { error: 'patterns are not read yet' };
}
