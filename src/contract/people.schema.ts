import { z } from 'zod';
import { onObjects } from './document.schema.js';

/** Control characters and lone surrogates are in nobody's token. */
const CLEAN = /^[^\p{Cc}\p{Cs}]*$/u;
const CLEAN_RULE = 'must be a text without control characters';
const PEOPLE_MAX = 200;

export const group = z.string().min(1).max(256).regex(CLEAN, CLEAN_RULE);
/** `subject` or `issuer|subject`. */
const user = z.string().min(1).max(1024).regex(CLEAN, CLEAN_RULE);
const namedGroup = group.refine((it) => it !== '*', 'must be a group: name who is meant');

export const users = z.array(user).max(PEOPLE_MAX);

/** Some people: by group, one by one, or by the name of an ApproverSet. */
export const PEOPLE = {
  groups: z.array(namedGroup).max(PEOPLE_MAX).default([]).meta({
    description: 'Everybody in any of these groups.',
  }),
  users: users.default([]).meta({
    description: 'These people, by subject, or by `issuer|subject`.',
  }),
  approvers: z.array(z.string().max(253)).max(PEOPLE_MAX).default([]).meta({
    description:
      'Everybody in these ApproverSet documents, which may have 1,000 groups and users together.',
  }),
};

/** Whether any people are named. */
export function namesSomebody(it: {
  readonly groups?: readonly string[];
  readonly users?: readonly string[];
  readonly approvers?: readonly string[];
}): boolean {
  return [it.groups, it.users, it.approvers].some((list) => (list ?? []).length > 0);
}

export const SOMEBODY_RULE = {
  ...onObjects,
  path: ['groups'],
  error: 'must name people: groups, users or approvers',
};
