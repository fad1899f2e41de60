import type { Place } from '../../app/ports/cluster.js';
import type {
  Exec,
  OutputChunk,
  ProcessEnd,
  RemoteProcess,
  TerminalSize,
} from '../../app/ports/cluster.streams.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, problem } from '../../domain/problem.js';
import { plainText } from '../../domain/text.js';
import type { ChannelConnection, ChannelEnd, ChannelHandlers } from './channel.client.js';
import { CHANNEL } from './channel.client.js';
import type { ClusterConnection } from './cluster.connection.js';
import { isOfAbsentContainer, openChannels, subjectOf } from './container.channels.js';
import { exitCodeOf } from './container.streams.js';
import { OutputQueue } from './output.queue.js';
import type { KubernetesStatus } from './status.schema.js';
import { readStatus } from './status.schema.js';

/** One frame of input; what is larger is cut, so that no server refuses it and other frames get their turn. */
const INPUT_BYTES_MAX = 64 * 1024;
/** The close frame follows the Status; a server that forgets it is not waited for. */
const CLOSE_MS = 1_000;
/** How long an early process may be silent before it is taken for started. */
const EARLY_MS = 300;

/** Starts a process in the container; see `ClusterStreams.exec`. */
export async function enterContainer(
  connection: ClusterConnection,
  { place, exec, signal }: { place: Place; exec: Exec; signal: AbortSignal },
): Promise<RemoteProcess | Problem> {
  const query = new URLSearchParams({ container: place.containerName, stdout: 'true' });
  if (exec.stdin) query.set('stdin', 'true');
  // A terminal has one output: the kubelet refuses the two together.
  query.set(exec.tty ? 'tty' : 'stderr', 'true');
  for (const part of exec.command) query.append('command', part);
  const process = new ContainerProcess(exec.early === true);
  const opened = await openChannels({
    connection,
    place,
    path: 'exec',
    query,
    handlers: process,
    signal,
    notThere: 'container-not-ready',
  });
  if (isProblem(opened)) return opened;
  process.join(opened);
  if (exec.early !== true) return process;
  const absent = await process.absence(EARLY_MS);
  if (absent === undefined) return process;
  process.close();
  return problem(
    'container-not-ready',
    `Container "${place.containerName}" of ${subjectOf(place).what} cannot be entered: Kubernetes says "${absent}".`,
  );
}

/** The streams of a process, over one connection of channels. */
export class ContainerProcess implements RemoteProcess, ChannelHandlers {
  private connection: ChannelConnection | undefined;
  private status: KubernetesStatus | undefined;
  private closing: NodeJS.Timeout | undefined;
  private readonly over = Promise.withResolvers<ProcessEnd>();
  private readonly sign = Promise.withResolvers<undefined>();
  private isFull = false;
  private readonly queue = new OutputQueue({
    onFull: () => {
      this.isFull = true;
      this.connection?.pause();
    },
    onRoom: () => {
      this.isFull = false;
      this.connection?.resume();
    },
    onLeft: () => this.close(),
  });

  constructor(private readonly isEarly: boolean) {}

  readonly output: AsyncIterable<OutputChunk> = this.queue;
  readonly ended: Promise<ProcessEnd> = this.over.promise.then((end) =>
    this.queue.drained.then(() => end),
  );

  /** The open connection, whose frames may have begun to come. */
  join(connection: ChannelConnection): void {
    this.connection = connection;
    if (this.isFull) connection.pause();
  }

  readonly onFrame = (channel: number, data: Buffer): void => {
    if (data.length === 0) return;
    if (channel === CHANNEL.stdout) this.queue.push({ stream: 'stdout', data });
    else if (channel === CHANNEL.stderr) this.queue.push({ stream: 'stderr', data });
    else if (channel === CHANNEL.status) {
      this.status = readStatus(data.toString('utf8'));
      this.closing = setTimeout(() => this.connection?.terminate(), CLOSE_MS);
    } else return;
    this.sign.resolve(undefined);
  };

  readonly onEnd = (end: ChannelEnd): void => {
    clearTimeout(this.closing);
    const { status, isEarly } = this;
    const tooEarly = isEarly && status !== undefined && isOfAbsentContainer(status);
    const how = endOf(status, end);
    this.over.resolve(how.kind === 'failed' && tooEarly ? { ...how, tooEarly } : how);
    this.sign.resolve(undefined);
    this.queue.finish();
  };

  /** What Kubernetes says where the container turns out not to be there; waits for the first sign, so long at most. */
  async absence(limitMs: number): Promise<string | undefined> {
    const timer = setTimeout(() => this.sign.resolve(undefined), limitMs);
    await this.sign.promise;
    clearTimeout(timer);
    return this.status && isOfAbsentContainer(this.status)
      ? plainText(this.status.message ?? '', 200)
      : undefined;
  }

  async write(data: Uint8Array): Promise<boolean> {
    const { connection } = this;
    if (!connection) return false;
    if (data.length <= INPUT_BYTES_MAX) return connection.write(CHANNEL.stdin, data);
    for (let at = 0; at < data.length; at += INPUT_BYTES_MAX) {
      const part = data.subarray(at, at + INPUT_BYTES_MAX);
      if (!(await connection.write(CHANNEL.stdin, part))) return false;
    }
    return true;
  }

  get endsInput(): boolean {
    return this.connection?.endsInput ?? false;
  }

  async closeInput(): Promise<boolean> {
    return (await this.connection?.closeInput()) ?? false;
  }

  async resize(size: TerminalSize): Promise<boolean> {
    return (await this.connection?.resize(size)) ?? false;
  }

  close(): void {
    this.connection?.terminate();
    this.queue.drop();
  }
}

/** How it ended. Without a Status nobody knows: the container may have ended, or the way to it broken. */
function endOf(status: KubernetesStatus | undefined, { code, cause }: ChannelEnd): ProcessEnd {
  const exitCode = status && exitCodeOf(status);
  if (exitCode !== undefined) return { kind: 'exited', code: exitCode };
  if (status) {
    const said = plainText(status.message ?? '', 500);
    return {
      kind: 'failed',
      detail:
        said === ''
          ? 'Kubernetes ended the stream without a result.'
          : `Kubernetes says "${said}".`,
    };
  }
  const why = cause instanceof Error ? `: ${plainText(cause.message, 200)}` : '';
  return { kind: 'lost', detail: `The stream into the container broke off (code ${code}${why}).` };
}
