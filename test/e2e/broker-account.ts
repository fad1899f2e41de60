import type { KubeConfig } from '@kubernetes/client-node';
import { ApiException, AuthorizationV1Api } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { Right } from './broker.rights.js';
import { may, rightsIn, rightText } from './broker.rights.js';
import type { MainJobLab } from './main-job.lab.js';

/** What the account that the broker runs as may do in the cluster, and that it may do nothing else. */
export function describeBrokerAccount(lab: () => MainJobLab): void {
  describe.concurrent("the broker's account", () => {
    test('may do what deploy/ says where Pods are debugged, and none of it elsewhere', async () => {
      const { account, rights, namespace, brokerNamespace } = lab().world;
      expect(await allowed(account, namespace, rights)).toEqual(rights.map(rightText));
      expect(await allowed(account, brokerNamespace, rights)).toEqual([]);
      expect(await allowed(account, undefined, rights)).toEqual([]);
    });

    test.each([
      ['read secrets', '', 'secrets', ['get', 'list', 'watch']],
      ['read configuration', '', 'configmaps', ['get', 'list']],
      ['make, change or delete Pods', '', 'pods', ['create', 'update', 'patch', 'delete']],
      ['change workloads', 'apps', 'deployments', ['create', 'update', 'patch', 'delete']],
      ['make tokens', '', 'serviceaccounts/token', ['create']],
      ['give rights', 'rbac.authorization.k8s.io', 'rolebindings', ['create', 'patch']],
      ['be somebody else', '', 'users', ['impersonate']],
      ['see nodes', '', 'nodes', ['get', 'list']],
      ['enter by the node', '', 'nodes/proxy', ['get', 'create']],
    ])('may not %s', async (_, group, resource, verbs) => {
      const { account, namespace } = lab().world;
      const rights = rightsIn([{ apiGroups: [group], resources: [resource], verbs }]);
      expect(rights).toHaveLength(verbs.length);
      expect(await allowed(account, namespace, rights)).toEqual([]);
    });

    test('has no right but those, of all that a stranger has not', async ({ skip }) => {
      const { account, namespace, rights } = lab().world;
      const own = await rulesOf(account, namespace);
      if (own === undefined) return skip('this API server serves no SelfSubjectRulesReview');
      const everybodys = new Set(await rulesOf(await lab().world.stranger(), namespace));
      const special = own.filter((right) => !everybodys.has(right));
      expect(special.toSorted()).toEqual(rights.map(rightText).toSorted());
    });
  });
}

/** Those of the rights that the account has, as the API server says. */
async function allowed(
  account: KubeConfig,
  namespace: string | undefined,
  rights: readonly Right[],
): Promise<string[]> {
  const answers = await Promise.all(rights.map((right) => may(account, namespace, right)));
  return rights.filter((_, index) => answers[index]).map(rightText);
}

/** All that the account may do in the namespace, as the API server says; undefined where it does not tell. */
async function rulesOf(account: KubeConfig, namespace: string): Promise<string[] | undefined> {
  const api = account.makeApiClient(AuthorizationV1Api);
  try {
    const { status } = await api.createSelfSubjectRulesReview({
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectRulesReview',
        spec: { namespace },
      },
    });
    return rightsIn(status?.resourceRules ?? []).map(rightText);
  } catch (error) {
    if (error instanceof ApiException && error.code === 501) return undefined;
    throw error;
  }
}
