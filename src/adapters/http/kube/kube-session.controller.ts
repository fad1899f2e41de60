import { Readable } from 'node:stream';
import { All, Controller, Get, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import { Clock } from '../../../app/ports/clock.js';
import { ReadLogs } from '../../../app/read-logs.js';
import { podPlaceOf, UseByKubectl } from '../../../app/use-by-kubectl.js';
import { podView } from '../../../app/views/pod.view.js';
import type { PodJson } from '../../../app/ports/cluster.pods.js';
import type { Problem } from '../../../domain/problem.js';
import { isProblem, problem } from '../../../domain/problem.js';
import { containerNameOf } from '../../../domain/session/session.life.js';
import type { Session } from '../../../domain/session/session.js';
import { Allow } from '../access.decorators.js';
import { orRefuse, Refused } from '../refused.error.js';
import { sessionIdIn } from '../session.id.js';
import { TakesSessionTokens } from '../session-token.access.js';
import { maySitIdle, mayWait, whileConnected } from './idle.socket.js';
import { KubectlCaller } from './kube.caller.js';
import { discoveryDocument } from './kube.discovery.js';
import { commandIn, isSet, logOptions, nameIn, queryOf } from './kube.query.js';
import { podList, podTable, wantsTable } from './kube.table.js';
import { KubectlStreams } from './kubectl.streams.js';
import { PodWatches } from './pod.watches.js';
import { PortForwards } from './port.forwards.js';
import { GetOnly } from '../get.only.js';
import { StatusFilter } from './status.filter.js';

const DISCOVERY = ['api', 'apis', 'api/v1', 'version'];
const PODS = 'api/v1/namespaces/:namespace/pods';
const POD = `${PODS}/:pod`;

/** What a request is about: the session of its path, and the Pod where its path names one. */
interface At {
  readonly id: string;
  readonly namespace: string;
  readonly pod?: string;
}

/** Each session as a tiny Kubernetes API server, which has one Pod: for `kubectl`, and for its requester alone. */
@Controller('kube/:id')
@ApiExcludeController()
@UseFilters(StatusFilter)
@TakesSessionTokens()
export class KubeSessionController {
  constructor(
    private readonly using: UseByKubectl,
    private readonly logging: ReadLogs,
    private readonly streams: KubectlStreams,
    private readonly watches: PodWatches,
    private readonly forwards: PortForwards,
    private readonly clock: Clock,
  ) {}

  /** The same for everybody and whatever session: without it kubectl does not ask what it is then told. */
  @Get(DISCOVERY)
  @Allow('signed-in')
  discovery(@Req() request: FastifyRequest): object | undefined {
    const path = request.url.split('?', 1)[0]?.split('/').slice(3).join('/') ?? '';
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
    const name = orRefuse(nameIn(query));
    const session = await this.sessionAt(caller, at);
    const isMeant = name === undefined || name === session.pin?.podName;
    if (isSet(query, 'watch') && isMeant) {
      orRefuse(await this.using.pod(session));
      const refusal = this.watches.refusal(caller);
      if (refusal) throw new Refused(refusal);
      const read = () => this.podNow(caller, session);
      const sessions = new Set([session.id]);
      return this.watches.run(request, reply, { caller, sessions, read });
    }
    const pods = isMeant ? [orRefuse(await this.podNow(caller, session))] : [];
    void reply.send(podList(pods, request.headers.accept, this.clock.now()));
  }

  @Get(POD)
  @Allow('session:use')
  async pod(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    const session = await this.sessionAt(caller, at);
    const pod = orRefuse(await this.podNow(caller, session));
    return wantsTable(request.headers.accept) ? podTable([pod], {}, this.clock.now()) : pod;
  }

  @Get(`${POD}/log`)
  @GetOnly()
  @Allow('session:use')
  async log(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.sessionAt(caller, at);
    const query = queryOf(request);
    const options = orRefuse(logOptions(query));
    const container = query.get('container') ?? undefined;
    const log = orRefuse(
      await this.logging.open(caller, session, {
        options,
        ...(container === undefined ? {} : { container }),
        signal: AbortSignal.any([whileConnected(request, reply), this.streams.untilStopped]),
      }),
    );
    maySitIdle(request, reply);
    void reply.type('text/plain; charset=utf-8').send(Readable.from(log, { objectMode: false }));
  }

  @Get(`${POD}/exec`)
  @Allow('session:use')
  async exec(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.sessionAt(caller, at);
    const query = queryOf(request);
    const ask = {
      container: query.get('container') ?? undefined,
      command: orRefuse(commandIn(query)),
      tty: isSet(query, 'tty'),
      stdin: isSet(query, 'stdin'),
    };
    orRefuse(this.using.refusedExec(session, ask));
    this.streams.checkUpgrade(caller, request);
    mayWait(request);
    const signal = whileConnected(request, reply);
    const entered = await this.using.exec(caller, session, { ask, signal });
    const stream = this.streams.orRefuse(caller, request, entered);
    await this.streams.serve(request, reply, stream);
  }

  /** SPDY, which kubectl tries where the WebSocket was refused: the user reads this answer, so it is the same. */
  @Post(`${POD}/exec`)
  @Allow('session:use')
  async execBySpdy(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.exec(caller, at, request, reply);
  }

  @All(`${POD}/attach`)
  @Allow('session:use')
  async attach(@KubectlCaller() caller: Caller, @Param() at: At): Promise<never> {
    const session = await this.sessionAt(caller, at);
    throw new Refused(
      problem(
        'way-not-allowed',
        `The main process of ${containerNameOf(session)} is its timer, and nothing to talk to. \`kubectl exec -it ${session.pin?.podName ?? 'POD'} -- ${session.grant?.profile.shell ?? 'sh'}\` opens a shell beside it.`,
      ),
    );
  }

  @Get(`${POD}/portforward`)
  @Allow('session:use')
  async forward(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.sessionAt(caller, at);
    await this.forwards.serve(request, reply, { caller, session });
  }

  @Post(`${POD}/portforward`)
  @Allow('session:use')
  async forwardBySpdy(
    @KubectlCaller() caller: Caller,
    @Param() at: At,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.forward(caller, at, request, reply);
  }

  @All(['', '*'])
  @Allow('session:use')
  async anythingElse(@KubectlCaller() caller: Caller, @Param() { id }: At): Promise<never> {
    const session = orRefuse(await this.using.mine(caller, sessionIdIn(id)));
    const why = this.using.whyOver(session);
    throw new Refused(why === undefined ? elsewhere(session) : problem('not-running', why));
  }

  /** The session where it can be used and has what the path names. @throws Refused */
  private async sessionAt(caller: Caller, at: At): Promise<Session> {
    const session = orRefuse(await this.using.usable(caller, sessionIdIn(at.id)));
    const { namespace, pin } = podPlaceOf(session);
    if (at.namespace !== namespace || (at.pod !== undefined && at.pod !== pin.podName)) {
      throw new Refused(elsewhere(session));
    }
    return session;
  }

  /** The session's Pod as it is now, as long as the session can be used. */
  private async podNow(caller: Caller, before: Session): Promise<PodJson | Problem> {
    const session = await this.using.usable(caller, before.id);
    if (isProblem(session)) return session;
    const pod = await this.using.pod(session);
    return isProblem(pod) ? pod : podView(pod, session);
  }
}

/** What is said of everything that is not there: what is. */
function elsewhere(session: Session): Problem {
  const { namespace } = session.request;
  const pod = session.pin?.podName ?? '(none yet)';
  return problem(
    'way-not-allowed',
    `Session ${session.id} is a door to Pod "${pod}" in namespace "${namespace}" and to nothing else: kubectl get, exec, cp, logs and port-forward of that Pod, as its terms allow.`,
  );
}
