import type { ChannelConnection } from '../src/adapters/kubernetes/channel.client.js';
import { CHANNEL, connectChannels } from '../src/adapters/kubernetes/channel.client.js';
import type { OpenProcess, Wanted } from './open.process.js';
import { Counted } from './open.process.js';
import { NAMESPACE } from './sessions.stage.js';
import type { ClusterSaid } from './terminal.programs.js';

/** A process in a container, entered as the cluster's admin does who has no broker. */
export class DirectExec extends Counted implements OpenProcess {
  private connection: ChannelConnection | undefined;

  private constructor(private readonly left: AbortController) {
    super();
  }

  static async open(
    cluster: Pick<ClusterSaid, 'url' | 'caPem' | 'adminToken'>,
    { pod, container, command, tty }: Wanted & { readonly pod: string; readonly container: string },
  ): Promise<DirectExec> {
    const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true' });
    query.set(tty ? 'tty' : 'stderr', 'true');
    for (const part of command) query.append('command', part);
    const url = new URL(
      `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/exec?${query.toString()}`,
      cluster.url.replace('https:', 'wss:'),
    );
    const exec = new DirectExec(new AbortController());
    const opened = await connectChannels({
      url,
      options: { ca: cluster.caPem, headers: { Authorization: `Bearer ${cluster.adminToken}` } },
      signal: exec.left.signal,
      handlers: {
        onFrame: (channel, data) => {
          if (channel === CHANNEL.stdout) exec.took(data.length);
        },
        onEnd: () => exec.ended(),
      },
    });
    if ('kind' in opened)
      throw new Error(`exec into ${pod} was refused: ${JSON.stringify(opened)}`);
    exec.connection = opened;
    return exec;
  }

  async write(text: string): Promise<void> {
    await this.connection?.send(CHANNEL.stdin, text);
  }

  close(): void {
    this.left.abort();
  }
}
