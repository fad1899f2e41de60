import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { ReadLog } from '../../app/read-log.js';
import { Checkpoint, LogKeys, LogTile, Proof } from '../../contract/log.schema.js';
import { problem } from '../../domain/problem.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';

const PREFIX = '/v1/audit/';
const NOTE = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
/** What is below a tile's path never changes, and is for who asked alone. */
const FOREVER = 'private, max-age=31536000, immutable';

/** The audit log for tools that others wrote: c2sp.org/tlog-tiles under `/v1/audit`. */
@Controller('v1/audit')
export class LogController {
  constructor(private readonly log: ReadLog) {}

  @Get('checkpoint')
  @Allow('audit:read')
  @Operation({
    id: 'readCheckpoint',
    tag: 'audit',
    summary: 'The newest checkpoint of the audit log',
    description:
      'A signed note (c2sp.org/signed-note, c2sp.org/tlog-checkpoint): the log’s name, its size, its root, signed by each key.',
    status: 200,
    answers: Checkpoint,
    media: 'text/plain',
    problems: ['not-found'],
  })
  async checkpoint(@Res() reply: FastifyReply): Promise<void> {
    const note = orRefuse(await this.log.checkpoint());
    void reply.header('cache-control', 'no-cache').type(NOTE).send(note);
  }

  @Get('keys')
  @Allow('audit:read')
  @Operation({
    id: 'readLogKeys',
    tag: 'audit',
    summary: 'The keys that sign the audit log',
    description:
      'Keep them where this broker cannot change them: whoever verifies with keys that it tells has verified nothing.',
    status: 200,
    answers: LogKeys,
    problems: [],
  })
  keys(): z.infer<typeof LogKeys> {
    const { origin, keys } = this.log.keys();
    return { origin, keys: [...keys] };
  }

  @Get('tile/*')
  @Allow('audit:read')
  @Operation({
    id: 'readTile',
    tag: 'audit',
    summary: 'A tile of the audit log, or a bundle of its entries',
    description:
      'As c2sp.org/tlog-tiles has them: `tile/<level>/<index>[.p/<width>]` for hashes, `tile/entries/…` for the events ' +
      'themselves, whose reading is itself an event.',
    status: 200,
    answers: LogTile,
    media: BYTES,
    problems: ['not-found'],
  })
  async tile(
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const [path = ''] = request.url.split('?');
    const bytes = orRefuse(await this.log.file(caller, path.slice(PREFIX.length)));
    void reply.header('cache-control', FOREVER).type(BYTES).send(bytes);
  }

  @Get('events/:id/proof')
  @Allow('audit:read')
  @Operation({
    id: 'readProof',
    tag: 'audit',
    summary: 'The proof that an event is in the audit log',
    description:
      'A c2sp.org/tlog-proof under the newest checkpoint: whoever has the event’s canonical body and a key can check it offline.',
    status: 200,
    answers: Proof,
    media: 'text/plain',
    problems: ['not-found'],
  })
  async proof(@Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const known = z.uuid().safeParse(id);
    const proof = orRefuse(
      known.success
        ? await this.log.proof(known.data)
        : problem('not-found', 'There is no such event.'),
    );
    void reply.header('cache-control', 'no-cache').type(NOTE).send(proof);
  }
}
