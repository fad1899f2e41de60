import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { ListTargets } from '../../app/list-targets.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { TargetList, TargetQuery } from '../../contract/target.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';

const ITEM_KEYS = z.string().max(300);
/** The list is in the order of kinds and names, at no time. */
const NO_TIME = new Date(0);

/** What can be asked for in a namespace, for those who choose from a list. */
@Controller('v1/clusters/:name/targets')
export class TargetsController {
  constructor(private readonly targets: ListTargets) {}

  @Get()
  @Allow('cluster:read')
  @Operation({
    id: 'listTargets',
    tag: 'catalog',
    summary: 'What can be debugged in a namespace',
    description:
      'Workloads and Pods, and the profiles with which a rule might let the caller in. Where none might, it is `not-found`, ' +
      'whatever is there. Of a namespace with more than 1,000 Pods some are left out; they can be asked for by name.',
    status: 200,
    answers: TargetList,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: [
      'invalid-cursor',
      'not-found',
      'cluster-unauthorized',
      'cluster-refused',
      'cluster-unavailable',
      'cluster-unreachable',
      'cluster-unsupported',
      'policy-unavailable',
    ],
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Param('name') cluster: string,
    @Query({ schema: TargetQuery }) query: z.infer<typeof TargetQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TargetList> {
    const { namespace, limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    const cursors = new ListCursor('targets', { cluster, namespace }, ITEM_KEYS);
    const after = cursor === undefined ? undefined : cursors.parse(cursor).id;
    const { items, profiles } = orRefuse(await this.targets.list(caller, { cluster, namespace }));
    const start = after === undefined ? 0 : items.findIndex((it) => keyOf(it) === after) + 1;
    const page = items.slice(start, start + limit);
    const last = page.at(-1);
    const more = last !== undefined && start + limit < items.length;
    const nextCursor = more ? cursors.after({ at: NO_TIME, id: keyOf(last) }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return {
      items: page,
      profiles: profiles.map(({ name, image }) => ({ name, image })),
      nextCursor,
    };
  }
}

function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}
