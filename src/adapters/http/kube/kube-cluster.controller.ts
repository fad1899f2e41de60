import {
  All,
  Body,
  Controller,
  Get,
  Param,
  Patch,
  Post,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import type { DebugTarget } from '../../../app/debug.request.js';
import { DebugByKubectl } from '../../../app/debug-by-kubectl.js';
import { Clock } from '../../../app/ports/clock.js';
import { KubeDebugPatch } from '../../../contract/kube-debug.schema.js';
import { isProblem, problem } from '../../../domain/problem.js';
import { whyNotUsable } from '../../../domain/session/session.life.js';
import { Allow } from '../access.decorators.js';
import { orRefuse, Refused } from '../refused.error.js';
import { mayWait, whileConnected } from './idle.socket.js';
import { KubectlCaller } from './kube.caller.js';
import { discoveryDocument } from './kube.discovery.js';
import { isSet, nameIn, queryOf } from './kube.query.js';
import { podList, podTable, wantsTable } from './kube.table.js';
import { KubectlStreams } from './kubectl.streams.js';
import { PodWatches } from './pod.watches.js';
import { StatusFilter } from './status.filter.js';

const DISCOVERY = ['api', 'apis', 'api/v1', 'version'];
const PODS = 'api/v1/namespaces/:namespace/pods';
const POD = `${PODS}/:pod`;

/** What a path names. Names that no Pod can have are found in no cluster. */
interface At {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
}

/** A cluster by way of sessions: `kubectl debug` asks for one, and is let in. With the person's own login alone. */
@Controller('kube/clusters/:cluster')
@ApiExcludeController()
@UseFilters(StatusFilter)
export class KubeClusterController {
  constructor(
    private readonly debugging: DebugByKubectl,
    private readonly streams: KubectlStreams,
    private readonly watches: PodWatches,
    private readonly clock: Clock,
  ) {}

  /** The same for everybody: without it kubectl does not ask what it is then told. */
  @Get(DISCOVERY)
  @Allow('signed-in')
  discovery(@Req() request: FastifyRequest): object | undefined {
    const path = request.url.split('?', 1)[0]?.split('/').slice(4).join('/') ?? '';
    return discoveryDocument(path);
  }

  @Get(PODS)
  @Allow('session:use')
  async list(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = queryOf(request);
    const pod = orRefuse(nameIn(query));
    if (pod === undefined) throw elsewhere(at);
    const target = { ...at, pod };
    const found = orRefuse(await this.debugging.pod(caller, target));
    if (isSet(query, 'watch')) {
      const refusal = this.watches.refusal(caller);
      if (refusal) throw new Refused(refusal);
      const read = () => this.debugging.pod(caller, target);
      const sessions = await this.debugging.sessions(caller, target);
      return this.watches.run(request, reply, { caller, sessions, read });
    }
    void reply.send(podList([found], request.headers.accept, this.clock.now()));
  }

  /** By its containers too, as kubectl patch asks for it. */
  @Get([POD, `${POD}/ephemeralcontainers`])
  @Allow('session:use')
  async pod(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    const pod = orRefuse(await this.debugging.pod(caller, targetOf(at)));
    return wantsTable(request.headers.accept) ? podTable([pod], {}, this.clock.now()) : pod;
  }

  @Patch(`${POD}/ephemeralcontainers`)
  @Allow('session:request')
  async debug(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Body() body: unknown,
  ): Promise<object> {
    const patch = KubeDebugPatch.safeParse(body);
    if (!patch.success) {
      throw new Refused(
        problem(
          'invalid-request',
          'Hallpass reads the patch that kubectl debug sends, with one container: kubectl debug -it POD --image=IMAGE --target=CONTAINER.',
          { cause: patch.error },
        ),
      );
    }
    return orRefuse(await this.debugging.ask(caller, targetOf(at), patch.data));
  }

  @Get(`${POD}/attach`)
  @Allow('session:use')
  async attach(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const container = queryOf(request).get('container') ?? '';
    const named = orRefuse(await this.debugging.find(caller, targetOf(at), container));
    this.streams.checkUpgrade(caller, request);
    mayWait(request);
    const signal = whileConnected(request, reply);
    const entered = await this.debugging.attach(caller, named, signal);
    const stream = this.streams.orRefuse(caller, request, entered);
    await this.streams.serve(request, reply, stream);
  }

  /** SPDY, which kubectl tries where the WebSocket was refused: the user reads this answer, so it is the same. */
  @Post(`${POD}/attach`)
  @Allow('session:use')
  async attachBySpdy(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.attach(caller, at, request, reply);
  }

  /** kubectl debug asks for the log of a container that is over: what is said of the session is what there is to tell. */
  @Get(`${POD}/log`)
  @Allow('session:use')
  async log(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const container = queryOf(request).get('container') ?? '';
    const named = await this.debugging.find(caller, targetOf(at), container);
    if (isProblem(named)) throw elsewhere(at);
    const told = whyNotUsable(named.session);
    void reply.type('text/plain; charset=utf-8').send(told === undefined ? '' : `${told}\n`);
  }

  @All(['', '*'])
  @Allow('session:use')
  anythingElse(@Param() at: At): never {
    throw elsewhere(at);
  }
}

function targetOf({ cluster, namespace, pod }: At): DebugTarget {
  return { cluster, namespace, pod };
}

function elsewhere({ cluster }: Pick<At, 'cluster'>): Refused {
  return new Refused(
    problem(
      'way-not-allowed',
      `Of cluster "${cluster}" Hallpass serves \`kubectl debug -it POD --image=IMAGE --target=CONTAINER --env=HALLPASS_REASON=…\`, which asks for a session. For exec, cp, logs and port-forward use the session's own kubeconfig: \`hallpass kubeconfig SESSION\`.`,
    ),
  );
}
