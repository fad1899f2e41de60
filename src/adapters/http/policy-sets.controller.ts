import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Activation } from '../../app/ports/policy.archive.js';
import { PolicyArchive } from '../../app/ports/policy.archive.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import {
  PolicyActivations,
  PolicySetsQuery,
  PolicySetText,
} from '../../contract/policy-set.schema.js';
import { problem } from '../../domain/problem.js';
import { Allow } from './access.decorators.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { Refused } from './refused.error.js';

const HASH = /^[0-9a-f]{64}$/;
const TIMES_MAX = 100;
const SEQ = /^\d{1,15}$/;

/** The texts that decisions were made from, and when they were in force. */
@Controller('v1/policies/sets')
export class PolicySetsController {
  constructor(private readonly archive: PolicyArchive) {}

  @Get()
  @Allow('policy:read')
  @Operation({
    id: 'listPolicySets',
    tag: 'catalog',
    summary: 'When which policy set was in force, newest first',
    status: 200,
    answers: PolicyActivations,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async list(
    @Query({ schema: PolicySetsQuery }) query: z.infer<typeof PolicySetsQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PolicyActivations> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    const cursors = new ListCursor('policy-sets', {}, z.string().regex(SEQ));
    const before = cursor === undefined ? undefined : Number(cursors.parse(cursor).id);
    const found = await this.archive.activations({
      limit: limit + 1,
      ...(before === undefined ? {} : { before }),
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const nextCursor =
      found.length > limit && last ? cursors.after({ at: last.at, id: String(last.seq) }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return { items: page.map((it) => ({ hash: it.hash, ...forceOf(it) })), nextCursor };
  }

  @Get(':hash')
  @Allow('policy:read')
  @Operation({
    id: 'readPolicySet',
    tag: 'catalog',
    summary: 'The exact text of a policy set that was in force, however long ago',
    description: 'Every decision names the set that it was made from as its policy version.',
    status: 200,
    answers: PolicySetText,
    problems: ['not-found'],
  })
  async read(@Param('hash') hash: string): Promise<PolicySetText> {
    const files = HASH.test(hash) ? await this.archive.files(hash) : undefined;
    if (!files) throw new Refused(problem('not-found', 'No policy set of this hash was in force.'));
    const times = await this.archive.activations({ hash, limit: TIMES_MAX });
    return {
      hash,
      files: files.map(({ name, text }) => ({ name, text })),
      inForce: times.map(forceOf),
    };
  }
}

function forceOf({ at, until, replica }: Activation) {
  return { from: at.toISOString(), until: until?.toISOString() ?? null, replica };
}
