import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import type { ChannelConnection } from '../src/adapters/kubernetes/channel.client.js';
import { CHANNEL, connectChannels } from '../src/adapters/kubernetes/channel.client.js';
import { NAMESPACE } from './sessions.stage.js';

/** A process in a container, entered as the cluster's admin does who has no broker. */
export class DirectExec {
  private received = 0;
  private over = false;
  private heard: () => void = () => undefined;
  private connection: ChannelConnection | undefined;

  private constructor(private readonly left: AbortController) {}

  static async open(
    cluster: StandInCluster,
    process: {
      readonly pod: string;
      readonly container: string;
      readonly command: readonly string[];
      readonly tty: boolean;
    },
  ): Promise<DirectExec> {
    const { pod, container, command, tty } = process;
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
      options: { ca: cluster.caPem, headers: { Authorization: `Bearer ${cluster.tokens.admin}` } },
      signal: exec.left.signal,
      handlers: {
        onFrame: (channel, data) => {
          if (channel === CHANNEL.stdout) exec.received += data.length;
          exec.heard();
        },
        onEnd: () => {
          exec.over = true;
          exec.heard();
        },
      },
    });
    if ('kind' in opened)
      throw new Error(`exec into ${pod} was refused: ${JSON.stringify(opened)}`);
    exec.connection = opened;
    return exec;
  }

  /** How many bytes its standard output has brought. */
  get receivedBytes(): number {
    return this.received;
  }

  async write(text: string): Promise<void> {
    await this.connection?.send(CHANNEL.stdin, text);
  }

  /** Resolves once so many bytes have come; throws where it ends before. */
  async untilReceived(bytes: number): Promise<void> {
    while (this.received < bytes) {
      if (this.over) throw new Error(`ended after ${this.received} bytes of ${bytes}`);
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  async untilOver(): Promise<void> {
    while (!this.over) await new Promise<void>((resolve) => (this.heard = resolve));
  }

  close(): void {
    this.left.abort();
  }
}
