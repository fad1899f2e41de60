import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { containerNameOf } from '../domain/session/session.life.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import type { LogOptions, PodJson } from './ports/cluster.pods.js';
import { ClusterPods } from './ports/cluster.pods.js';
import { OpenSideStream } from './open-side-stream.js';
import type { SideStream } from './side-stream.js';
import { podPlaceOf } from './use-by-kubectl.js';

/** All of a log that is shown is recorded as well: no more than this at a time. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;

/** `open`: the log of one of the Pod's own containers, on the record. */
export class ReadLogs {
  constructor(
    private readonly deps: { readonly pods: ClusterPods; readonly side: OpenSideStream },
  ) {}

  /**
   * The log of the container that is named. Where it is the session's own, which writes none, or none is named, that of
   * the container that the session looks at, else of the Pod's first. Other debug containers' logs are not given: they
   * hold what was said in other people's sessions.
   */
  async open(
    caller: Caller,
    session: Session,
    args: {
      readonly container?: string;
      readonly options: Omit<LogOptions, 'container'>;
      readonly signal: AbortSignal;
    },
  ): Promise<AsyncIterable<Uint8Array> | Problem> {
    const place = podPlaceOf(session);
    const pod = await this.deps.pods.read({ ...place, pod: place.pin.podName });
    if (isProblem(pod)) return pod;
    const container = containerOf(pod, session, args.container);
    if (isProblem(container)) return container;
    const side = await this.deps.side.open(caller, session, {
      kind: 'logs',
      command: ['logs', container],
    });
    if (isProblem(side)) return side;
    const options = {
      ...args.options,
      container,
      limitBytes: Math.min(args.options.limitBytes ?? LOG_BYTES_MAX, LOG_BYTES_MAX),
    };
    const signal = AbortSignal.any([side.signal, args.signal]);
    const log = await this.deps.pods.logs(place, options, signal);
    if (!isProblem(log)) return recorded(log, side, args.signal);
    side.close('the log could not be read');
    return log;
  }
}

async function* recorded(
  log: AsyncIterable<Uint8Array>,
  side: SideStream,
  gone: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let why = 'left';
  try {
    for await (const data of log) {
      await side.show(data);
      if (side.signal.aborted || gone.aborted) break;
      yield data;
    }
    if (!gone.aborted) why = 'the log ended';
  } catch (error) {
    why = 'the log broke off';
    throw error;
  } finally {
    side.close(why);
    await side.finished;
  }
}

function containerOf(
  { spec }: PodJson,
  session: Session,
  named: string | undefined,
): string | Problem {
  const ours = containerNameOf(session);
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  if (named === undefined || named === ours) {
    return session.request.container ?? spec.containers[0]?.name ?? ours;
  }
  if (names.includes(named)) return named;
  return problem(
    'way-not-allowed',
    `Session ${session.id} shows the logs of the Pod's own containers: ${names.join(', ')}. "${named}" is none of them.`,
  );
}
