import { ClusterExaminer } from './adapters/kubernetes/cluster.examiner.js';
import type { DoctorArgs, DoctorCommandDeps } from './adapters/cli/doctor.command.js';
import { DatabaseExaminer } from './adapters/prisma/database.examiner.js';
import { loadPolicyFolders } from './adapters/policy/policy.folder.js';
import type { BypassCase } from './app/doctor/bypass.checks.js';
import { examineBypass } from './app/doctor/bypass.checks.js';
import type { ClusterCase } from './app/doctor/cluster.checks.js';
import { clusterChecks, namespacesOf } from './app/doctor/cluster.checks.js';
import type { Check } from './app/doctor/examine.js';
import { CHECK_MS_MAX, examine } from './app/doctor/examine.js';
import { withoutClientVariables } from './config/client.environment.js';
import { isConfigProblem } from './config/config.problem.js';
import type { Config } from './config/config.schema.js';
import { loadConfig, loadDatabaseConfig } from './config/load.config.js';
import { databaseChecks, imageChecks, serviceChecks } from './doctor.services.js';
import type { RightSet } from './domain/cluster.rights.js';
import type { Finding } from './domain/doctor/finding.js';
import { CHECKS, failure, ok, Unseen, unknown } from './domain/doctor/finding.js';
import type { RbacSubject } from './domain/doctor/rbac.rules.js';
import { matchesAny } from './domain/policy/glob.js';
import type { PolicySet } from './domain/policy/policy.js';

/** What a check of several clusters is about. */
interface Clusters {
  readonly cases: readonly ClusterCase[];
  /** Rows about clusters that could not be begun with. */
  readonly checks: readonly Check[];
}

/** The one place where the doctor meets what it looks with. Changes nothing anywhere. */
export const examineAll: DoctorCommandDeps['examine'] = async (args) => {
  await using opened = new AsyncDisposableStack();
  const found =
    args.kubeconfig === undefined
      ? await examineConfigured(args, opened)
      : await examineFromLaptop({ ...args, kubeconfig: args.kubeconfig }, opened);
  const order = Object.keys(CHECKS);
  return found.toSorted((a, b) => order.indexOf(a.check) - order.indexOf(b.check));
};

async function examineFromLaptop(
  args: DoctorArgs & { readonly kubeconfig: string },
  opened: AsyncDisposableStack,
): Promise<readonly Finding[]> {
  const { kubeconfig, context, namespaces, account, impersonate } = args;
  const looks = new ClusterExaminer({
    name: context ?? 'cluster',
    inCluster: false,
    kubeconfig,
    ...(context === undefined ? {} : { context }),
    namespaces,
  });
  opened.defer(() => looks.close());
  // Which sets its policies call for is not known here: what is always needed is what must be there.
  const of: ClusterCase = {
    ...{ looks, namespaces, broker: account, sets: new Set(), profiles: null },
    strangers: null,
    impersonation: impersonate ?? null,
  };
  return examineClusters({ cases: [of], checks: [] }, args);
}

async function examineConfigured(
  args: DoctorArgs,
  opened: AsyncDisposableStack,
): Promise<readonly Finding[]> {
  const on = args.config ?? 'environment';
  const env = {
    ...withoutClientVariables(),
    ...(args.config === undefined ? {} : { HALLPASS_CONFIG: args.config }),
  };
  const config = loadConfig(env);
  if (isConfigProblem(config)) {
    const database = loadDatabaseConfig(env);
    return examine([
      ...config.mistakes.map(({ path, where, message }): Check => ({
        name: 'configuration',
        on: where === '' ? on : where,
        look: () =>
          failure(path === '' ? `it ${message}` : `${path}: ${message}`, 'correct it there'),
      })),
      ...(isConfigProblem(database) ? [] : databaseChecks(database)),
    ]);
  }
  const policies = await loadPolicyFolders(config.policies.folders);
  const set = 'hash' in policies ? policies : null;
  const checks: Check[] = [
    {
      name: 'configuration',
      on,
      look: () => ok('it can be read whole, with the files that it names'),
    },
    {
      name: 'policies',
      on: config.policies.folders.join(', '),
      look: () =>
        'hash' in policies
          ? ok(`${policies.policies.length} policies and ${policies.profiles.length} profiles`)
          : failure(
              `they have ${policies.policyErrors.length} errors; the first is ${policies.policyErrors[0] ?? ''}`,
              'correct them: hallpass policy check tells all',
            ),
    },
    ...databaseChecks(config.database),
    ...imageChecks(set?.profiles ?? [], config.database),
    ...serviceChecks(config),
  ];
  const [services, clusters] = await Promise.all([
    examine(checks),
    clustersOf(config, set, { args, opened }).then((of) => examineClusters(of, args)),
  ]);
  return [...services, ...clusters];
}

async function clustersOf(
  config: Config,
  set: PolicySet | null,
  { args, opened }: { readonly args: DoctorArgs; readonly opened: AsyncDisposableStack },
): Promise<Clusters> {
  const checks: Check[] = [];
  const database = new DatabaseExaminer(config.database.url.reveal());
  const cases = await Promise.all(
    config.clusters.map(async (cluster): Promise<ClusterCase> => {
      const looks = new ClusterExaminer(cluster);
      opened.defer(() => looks.close());
      const isWanted = (name: string): boolean => matchesAny(cluster.namespaces, name);
      const found =
        args.namespaces.length > 0
          ? args.namespaces.filter(isWanted)
          : await namespacesOf(
              looks,
              cluster.namespaces,
              isWanted,
              AbortSignal.timeout(CHECK_MS_MAX),
            );
      if (found instanceof Unseen) {
        const why = new Unseen(
          `its namespaces are patterns (${cluster.namespaces.join(', ')}), and ${found.why}`,
          'name those that matter: --namespaces a,b',
        );
        checks.push({ name: 'rights', on: cluster.name, look: () => unknown(why) });
      }
      return {
        looks,
        namespaces: found instanceof Unseen ? [] : found,
        broker: 'self',
        impersonation: cluster.impersonate ?? null,
        sets: setsOf(set),
        profiles: set?.profiles ?? null,
        strangers: (names) => database.strangers(names),
      };
    }),
  );
  return { cases, checks };
}

/** The rights that policies call for besides those that are always needed. */
function setsOf(set: PolicySet | null): ReadonlySet<RightSet> {
  const terms = (set?.policies ?? []).filter(({ effect }) => effect === 'allow');
  return new Set([
    ...(terms.some((it) => it.terms.onOverrun === 'evict') ? (['evict'] as const) : []),
    ...(terms.some((it) => it.terms.portForward) ? (['portforward'] as const) : []),
  ]);
}

async function examineClusters(
  { cases, checks }: Clusters,
  { account, subjects, except }: DoctorArgs,
): Promise<readonly Finding[]> {
  const [own, bypass] = await Promise.all([
    examine([...checks, ...cases.flatMap(clusterChecks)]),
    examineBypass(cases.map((of) => bypassOf(of, { account, subjects, except }))),
  ]);
  return [...own, ...bypass];
}

function bypassOf(
  { looks, namespaces, impersonation }: ClusterCase,
  given: {
    readonly account: RbacSubject;
    readonly subjects: readonly RbacSubject[];
    readonly except: readonly RbacSubject[];
  },
): BypassCase {
  const { account, subjects, except } = given;
  // In this group nobody is but whom Hallpass acts as.
  const ours: readonly RbacSubject[] =
    impersonation === null ? [] : [{ kind: 'Group', name: impersonation.group, namespace: null }];
  return { looks, namespaces, subjects, excepted: { account, subjects: [...except, ...ours] } };
}
