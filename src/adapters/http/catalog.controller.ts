import { Controller, Get } from '@nestjs/common';
import type { Caller } from '../../app/caller.js';
import { Clusters } from '../../app/ports/cluster.js';
import { ClusterStates } from '../../app/ports/cluster.states.js';
import { PolicySource } from '../../app/ports/policy.source.js';
import { clusterView } from '../../app/views/cluster.view.js';
import { meView } from '../../app/views/me.view.js';
import { policiesView } from '../../app/views/policies.view.js';
import { ClusterList } from '../../contract/cluster.schema.js';
import { Me } from '../../contract/me.schema.js';
import { PoliciesInForce } from '../../contract/policies-in-force.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller, SignedInUntil } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { Refused } from './refused.error.js';

/** What may be asked for, by which rules, and by whom. */
@Controller('v1')
export class CatalogController {
  constructor(
    private readonly clusterAccess: Clusters,
    private readonly states: ClusterStates,
    private readonly policySource: PolicySource,
  ) {}

  @Get('me')
  @Allow('signed-in')
  @Operation({
    id: 'readMe',
    tag: 'catalog',
    summary: 'Who the caller is, as Hallpass sees it',
    status: 200,
    answers: Me,
    problems: [],
  })
  me(@CurrentCaller() caller: Caller, @SignedInUntil() until: Date): Me {
    return meView(caller, until);
  }

  @Get('clusters')
  @Allow('cluster:read')
  @Operation({
    id: 'listClusters',
    tag: 'catalog',
    summary: 'The clusters that sessions can be asked for in, and how they are',
    description:
      'No cluster is asked for this: `health` is what the replica that answers knows, which is a few seconds old at most.',
    status: 200,
    answers: ClusterList,
    problems: [],
  })
  clusters(): ClusterList {
    const states = this.states.health();
    const items = this.clusterAccess.list().map((it) => clusterView(it, states));
    return { items };
  }

  @Get('policies')
  @Allow('policy:read')
  @Operation({
    id: 'listPolicies',
    tag: 'catalog',
    summary: 'The policies, profiles and on-call sources in force',
    status: 200,
    answers: PoliciesInForce,
    problems: ['policy-unavailable'],
  })
  policies(): PoliciesInForce {
    const blocked = this.policySource.blocked();
    if (blocked) throw new Refused(blocked);
    return policiesView(this.policySource.current());
  }
}
