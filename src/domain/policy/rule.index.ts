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

  /**
   * Where most could be asked of the conditions of rules: for whom, in which namespace, and what that takes, in steps.
   * That is of a person in one group, or who is named, and of rules whatever their clusters, workloads and profiles, so it
   * is neither the least nor the most that a request may need.
   */
  dearest(): Dear {
    const everywhere = stepsByPerson(this.byNamespace.get(ANY_NAMESPACE));
    const forAll = everywhere.get(EVERYBODY) ?? 0;
    everywhere.delete(EVERYBODY);
    let most = { who: EVERYBODY, namespace: ANY_NAMESPACE, steps: forAll };
    for (const [who, steps] of everywhere) {
      if (forAll + steps > most.steps) most = { ...most, who, steps: forAll + steps };
    }
    // Of those no rule of a namespace is for, whoever is dearest everywhere is dearest there.
    const { who: dearest } = most;
    for (const [namespace, people] of this.byNamespace) {
      if (namespace === ANY_NAMESPACE) continue;
      const here = stepsByPerson(people);
      const forAllHere = forAll + (here.get(EVERYBODY) ?? 0);
      here.delete(EVERYBODY);
      for (const who of new Set([dearest, ...here.keys()])) {
        const steps = forAllHere + (here.get(who) ?? 0) + (everywhere.get(who) ?? 0);
        if (steps > most.steps) most = { who, namespace, steps };
      }
    }
    return most;
  }

  /** The rules that are for somebody, wherever. */
  concerning(who: Who): readonly AccessPolicy[] {
    return union(found(this.byPerson, who));
  }
}

/** `who` is `group NAME` or `user NAME`; the namespace is `*` where it is any of those no rule names in full. */
interface Dear {
  readonly who: string;
  readonly namespace: string;
  readonly steps: number;
}

function stepsByPerson(people: ByPerson | undefined): Map<string, number> {
  return new Map(
    [...(people ?? [])].map(([who, policies]) => [
      who,
      policies.reduce((sum, { when }) => sum + (when?.steps ?? 0), 0),
    ]),
  );
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
