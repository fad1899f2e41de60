import { Controller, Get, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Clusters } from '../../../app/ports/cluster.js';
import { ClusterStates } from '../../../app/ports/cluster.states.js';
import type { ClusterItem } from '../../../app/views/cluster.view.js';
import { clusterView } from '../../../app/views/cluster.view.js';
import type { Html } from '../../../app/views/html.text.js';
import { markup } from '../../../app/views/html.text.js';
import { ByPage } from '../access.decorators.js';
import type { VisitedRequest } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { showPage } from './page.js';
import { visitorOf } from './visitor.js';

/** The clusters, for who is signed in by a browser: where sessions can be had, and what is the matter with the rest. */
@Controller('clusters')
@ApiExcludeController()
@UseFilters(PageFilter)
export class ClusterPages {
  constructor(
    private readonly clusters: Clusters,
    private readonly states: ClusterStates,
  ) {}

  @Get()
  @ByPage('cluster:read')
  show(@Req() request: VisitedRequest, @Res() reply: FastifyReply): void {
    const states = this.states.health();
    const items = this.clusters.list().map((it) => clusterView(it, states));
    showPage(reply, {
      title: 'Clusters',
      visitor: visitorOf(request),
      body: markup`${items.map(clusterBody)}`,
    });
  }
}

const STATES: Readonly<Record<ClusterItem['health']['state'], string>> = {
  unknown: 'not asked yet',
  reachable: 'can be reached',
  unreachable: 'cannot be reached',
  unsupported: 'can have no sessions',
};

function clusterBody({ name, namespaces, health }: ClusterItem): Html {
  const { state, since, lastAnswerAt, why, advice, version, credentialsRefusedSince } = health;
  const rows = [
    ['State', `${STATES[state]}${since === null ? '' : `, since ${since}`}`],
    ['Last answer', lastAnswerAt ?? 'none yet'],
    ['Kubernetes', version ?? 'unknown'],
    ['Namespaces', namespaces.join(', ') || 'none'],
  ];
  return markup`<h2><bdi>${name}</bdi></h2>
    ${why !== null && markup`<p class="warning" role="alert">${why} ${advice}</p>`}
    ${
      credentialsRefusedSince !== null &&
      markup`<p class="warning" role="alert">
        Its kubeconfig, or what that names, cannot be used since ${credentialsRefusedSince}: the one before is.
      </p>`
    }
    <dl>
      ${rows.map(
        ([term, text]) =>
          markup`<dt>${term}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>`;
}
