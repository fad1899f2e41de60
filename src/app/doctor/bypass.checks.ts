import type { Finding } from '../../domain/doctor/finding.js';
import { Unseen, unknown } from '../../domain/doctor/finding.js';
import type { Rbac, RbacSubject } from '../../domain/doctor/rbac.rules.js';
import { accountOf, subjectText } from '../../domain/doctor/rbac.rules.js';
import type { Excepted, Reviewed } from '../../domain/doctor/ways.around.js';
import {
  judgeSubject,
  judgeWay,
  MASTERS,
  namespacesOfWay,
  strangersOf,
  strangersOn,
  WAYS_AROUND,
} from '../../domain/doctor/ways.around.js';
import type { ClusterLooks } from '../ports/cluster.looks.js';
import type { Check } from './examine.js';
import { examine } from './examine.js';

/** So many subjects are asked about one by one. */
const SUBJECTS_MAX = 50;

export interface BypassCase {
  readonly looks: ClusterLooks;
  readonly namespaces: readonly string[];
  readonly excepted: Excepted;
  /** Who is asked about whatever bindings say. */
  readonly subjects: readonly RbacSubject[];
}

/**
 * Who else could do what Hallpass governs: by what roles and bindings say, and then by the API server's own answers about
 * everybody whom a binding names, which see what other authorizers allow.
 */
export async function examineBypass(
  cases: readonly BypassCase[],
  limitMs?: number,
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    cases.map(async (it) => {
      const rbac = await readRbac(it.looks, limitMs);
      const named = it.subjects.filter(isNoMaster);
      const [ways, asked, others] = await Promise.all([
        examine(wayChecks(it, rbac), limitMs),
        examine(subjectChecks(it, named), limitMs),
        examine(subjectChecks(it, othersOf(it, rbac)), limitMs),
      ]);
      // Of others there is nothing to tell where they may do nothing, or cannot be asked about: bindings were read.
      return [...ways, ...asked, ...others.filter(({ verdict }) => TOLD.has(verdict))];
    }),
  );
  return found.flat();
}

const TOLD: ReadonlySet<string> = new Set(['warning', 'failure']);

async function readRbac(looks: ClusterLooks, limitMs = 5_000): Promise<Rbac | Unseen> {
  return looks
    .rbac(AbortSignal.timeout(limitMs))
    .catch(
      () =>
        new Unseen(
          'roles and bindings could not be listed',
          'run it again from where the API server can be reached',
        ),
    );
}

/** Whom bindings name, but for those of whom their rows say already what they may. */
function othersOf(of: BypassCase, rbac: Rbac | Unseen): RbacSubject[] {
  if (rbac instanceof Unseen) return [];
  const { excepted, namespaces, subjects } = of;
  const told = new Set([
    ...subjects.map(subjectText),
    ...WAYS_AROUND.flatMap((way) => strangersOn(way, { rbac, namespaces, excepted })).map(
      ({ subject }) => subjectText(subject),
    ),
  ]);
  return strangersOf({ rbac, excepted })
    .filter((it) => isNoMaster(it) && !told.has(subjectText(it)))
    .slice(0, SUBJECTS_MAX);
}

function isNoMaster({ name }: RbacSubject): boolean {
  return name !== MASTERS;
}

function wayChecks({ looks, namespaces, excepted }: BypassCase, rbac: Rbac | Unseen): Check[] {
  if (rbac instanceof Unseen) {
    return [{ name: 'ways-around', on: looks.name, look: () => unknown(rbac) }];
  }
  return WAYS_AROUND.map((way) => ({
    name: 'ways-around',
    on: `${looks.name}: ${way.name}`,
    look: () => judgeWay(way, { rbac, namespaces, excepted }),
  }));
}

function subjectChecks(of: BypassCase, subjects: readonly RbacSubject[]): Check[] {
  return subjects.map((subject) => ({
    name: 'ways-around',
    on: `${of.looks.name} ${subjectText(subject)}`,
    look: async (signal) => judgeSubject(await reviews(of, { subject, signal })),
  }));
}

async function reviews(
  { looks, namespaces, excepted }: BypassCase,
  { subject, signal }: { readonly subject: RbacSubject; readonly signal: AbortSignal },
): Promise<Reviewed[]> {
  const who = accountOf(subject);
  const asked = WAYS_AROUND.flatMap((way) => {
    const where = namespacesOfWay(way, { namespaces, excepted });
    return way.rights.flatMap((right) =>
      where === null
        ? [{ way, right, at: { signal } }]
        : where.map((namespace) => ({ way, right, at: { namespace, signal } })),
    );
  });
  return Promise.all(
    asked.map(async ({ way, right, at }) => ({ way, allowed: await looks.may(who, right, at) })),
  );
}
