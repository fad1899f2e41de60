import type { Place } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { plainText } from '../../domain/text.js';
import type { ChannelConnection, ChannelEnd, ChannelHandlers } from './channel.client.js';
import { CHANNEL } from './channel.client.js';
import type { ClusterConnection } from './cluster.connection.js';
import { openChannels, subjectOf } from './container.channels.js';
import type { KubernetesStatus } from './status.schema.js';
import { readStatus } from './status.schema.js';

const RUN_MS = 10_000;
/** How long a written line may take to end the container, whose end closes the stream. */
const LINE_MS = 1_500;

/** Attaches to the main process, writes an empty line to its standard input, and leaves. */
export async function writeLine(
  connection: ClusterConnection,
  place: Place,
): Promise<'done' | Problem> {
  const query = new URLSearchParams({
    container: place.containerName,
    stdin: 'true',
    stdout: 'true',
  });
  const ending = new Ending();
  const opened = await open(connection, { place, path: 'attach', query, ending });
  if ('problem' in opened) return opened;
  const sent = await opened.send(CHANNEL.stdin, '\n');
  // Closed at once, the line may be lost on its way to the kubelet: the closing goes faster than what was sent. The
  // line ends the container, and that ends the stream; where it does not, leaving after a while does no harm.
  await ending.within(LINE_MS);
  opened.close();
  if (ending.status && ending.status.status !== 'Success') return brokenOff(place, ending);
  return sent ? 'done' : brokenOff(place, ending);
}

/** Runs a command to its end. What it writes is dropped; after 10 s it is left alone, and may be running on. */
export async function runCommand(
  connection: ClusterConnection,
  place: Place,
  command: readonly string[],
): Promise<{ readonly exitCode: number } | Problem> {
  const query = new URLSearchParams({
    container: place.containerName,
    stdout: 'true',
    stderr: 'true',
  });
  for (const part of command) query.append('command', part);
  const ending = new Ending();
  const opened = await open(connection, { place, path: 'exec', query, ending });
  if ('problem' in opened) return opened;
  await ending.within(RUN_MS);
  opened.close();
  const exitCode = ending.status && exitCodeOf(ending.status);
  return exitCode === undefined ? brokenOff(place, ending) : { exitCode };
}

/** The exit code that a Status of channel 3 tells; `undefined` where it tells of another end (measured: stream/). */
export function exitCodeOf(status: KubernetesStatus): number | undefined {
  if (status.status === 'Success') return 0;
  if (status.reason !== 'NonZeroExitCode') return undefined;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  const code = Number(cause?.message ?? Number.NaN);
  return Number.isInteger(code) ? code : undefined;
}

function open(
  connection: ClusterConnection,
  stream: {
    readonly place: Place;
    readonly path: 'exec' | 'attach';
    readonly query: URLSearchParams;
    readonly ending: Ending;
  },
): Promise<ChannelConnection | Problem> {
  const { ending, ...rest } = stream;
  return openChannels({
    ...rest,
    connection,
    handlers: ending,
    // The wait for the end comes on top of the wait for the beginning; both are bounded.
    signal: AbortSignal.timeout(RUN_MS + LINE_MS),
    notThere: 'cluster-refused',
  });
}

function brokenOff(place: Place, { status, end }: Ending): Problem {
  const said = plainText(status?.message ?? '', 500);
  const how = status
    ? `ended without a result${said === '' ? '' : `: Kubernetes says "${said}"`}`
    : end
      ? `was cut off (code ${end.code}), as it is when the container ends`
      : 'has not ended in time';
  return problem(
    'cluster-refused',
    `The stream into container "${place.containerName}" of ${subjectOf(place).what} ${how}.`,
    end?.cause === undefined ? {} : { cause: end.cause },
  );
}

/** Waits for the end of a stream and keeps its Status; everything else that comes is dropped. */
class Ending implements ChannelHandlers {
  status: KubernetesStatus | undefined;
  end: ChannelEnd | undefined;
  private readonly over = Promise.withResolvers<true>();

  readonly onFrame = (channel: number, data: Buffer): void => {
    if (channel !== CHANNEL.status || data.length === 0) return;
    this.status = readStatus(data.toString('utf8'));
    this.over.resolve(true);
  };

  readonly onEnd = (end: ChannelEnd): void => {
    this.end = end;
    this.over.resolve(true);
  };

  /** Resolves with the Status or the end of the stream, after so many milliseconds at the latest. */
  async within(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.over.resolve(true), limitMs);
    await this.over.promise;
    clearTimeout(timer);
  }
}
