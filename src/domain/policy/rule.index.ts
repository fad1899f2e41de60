import { namesOf } from '../person.js';
import type { AccessPolicy } from './policy.js';

/** Stands for the policies whose namespaces are not all named in full. */
const ANY_NAMESPACE = '*';
const EVERYBODY = 'group *';

type ByPerson = ReadonlyMap<string, readonly AccessPolicy[]>;

/**
 * Finds the rules that could concern somebody in a namespace, so that deciding costs what could match and not what
 * exists: first by namespace where a rule names them in full, then by group or user.
 */
export class RuleIndex {
  private readonly byNamespace: ReadonlyMap<string, ByPerson>;
  private readonly byPerson: ByPerson;

  constructor(policies: readonly AccessPolicy[]) {
    const index = new Map<string, Map<string, AccessPolicy[]>>();
    for (const policy of policies) {
      for (const namespace of namespaceKeys(policy)) {
        const people = entry(index, namespace, () => new Map<string, AccessPolicy[]>());
        for (const key of personKeys(policy)) entry(people, key, () => []).push(policy);
      }
    }
    this.byNamespace = index;
    const everywhere = new Map<string, AccessPolicy[]>();
    for (const policy of policies) {
      for (const key of personKeys(policy)) entry(everywhere, key, () => []).push(policy);
    }
    this.byPerson = everywhere;
  }

  /** Each rule once, in no order that means anything. All that match are among them. */
  candidates(who: Who, namespace: string): readonly AccessPolicy[] {
    const people = [this.byNamespace.get(namespace), this.byNamespace.get(ANY_NAMESPACE)];
    return union(people.flatMap((each) => (each ? found(each, who) : [])));
  }

  /** The rules that are for somebody, wherever. */
  concerning(who: Who): readonly AccessPolicy[] {
    return union(found(this.byPerson, who));
  }
}

interface Who {
  readonly issuer: string;
  readonly subject: string;
  readonly groups: readonly string[];
}

function found(people: ByPerson, { issuer, subject, groups }: Who): (readonly AccessPolicy[])[] {
  const lists: (readonly AccessPolicy[])[] = [];
  const add = (key: string): void => {
    const policies = people.get(key);
    if (policies) lists.push(policies);
  };
  add(EVERYBODY);
  // A group that is named like the star is nobody's but everybody's.
  for (const group of groups) if (group !== '*') add(`group ${group}`);
  for (const name of namesOf({ iss: issuer, sub: subject })) add(`user ${name}`);
  return lists;
}

function union(lists: readonly (readonly AccessPolicy[])[]): readonly AccessPolicy[] {
  const [only = []] = lists;
  return lists.length <= 1 ? only : [...new Set(lists.flat())];
}

function namespaceKeys({ match }: AccessPolicy): readonly string[] {
  const isNamed = match.namespaces.every((namespace) => !namespace.includes('*'));
  return isNamed ? [...new Set(match.namespaces)] : [ANY_NAMESPACE];
}

function personKeys({ match }: AccessPolicy): readonly string[] {
  if (match.groups.includes('*')) return [EVERYBODY];
  const keys = [
    ...match.groups.map((group) => `group ${group}`),
    ...match.users.map((user) => `user ${user}`),
  ];
  return [...new Set(keys)];
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
