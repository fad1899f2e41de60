/** Somebody whom the sandbox's identity provider knows. */
export interface SandboxPerson {
  /** The subject of their tokens, and their name in the script grant. */
  readonly sub: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
}

/** Those who take part in a session, by the part they play. */
export const PEOPLE = {
  requester: {
    sub: 'robin',
    name: 'Robin Requester',
    email: 'robin@example.com',
    groups: ['oncall'],
  },
  approver: {
    sub: 'alex',
    name: 'Alex Approver',
    email: 'alex@example.com',
    groups: ['payments-leads'],
  },
  secondApprover: {
    sub: 'sam',
    name: 'Sam Second',
    email: 'sam@example.com',
    groups: ['payments-leads'],
  },
  auditor: {
    sub: 'audrey',
    name: 'Audrey Auditor',
    email: 'audrey@example.com',
    groups: ['auditors'],
  },
  admin: {
    sub: 'ada',
    name: 'Ada Admin',
    email: 'ada@example.com',
    groups: ['hallpass-admins'],
  },
} as const satisfies Record<string, SandboxPerson>;

export type PersonKey = keyof typeof PEOPLE;

const BY_SUB: ReadonlyMap<string, SandboxPerson> = new Map(
  Object.values(PEOPLE).map((person) => [person.sub, person]),
);

/** Undefined when nobody has that subject. */
export function personBySub(sub: string): SandboxPerson | undefined {
  return BY_SUB.get(sub);
}
