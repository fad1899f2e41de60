import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { EphemeralContainer } from '../sandbox/cluster/pod.schema.js';
import { RawClient } from '../sandbox/cluster/raw.client.js';
import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import { timerCommand } from '../src/domain/timebox/timer.js';
import { NAMESPACE } from './sessions.stage.js';
import type { Span } from './statistics.js';

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

const Patched = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const Line = z.object({
  object: z.object({
    status: z
      .object({
        ephemeralContainerStatuses: z
          .array(z.object({ name: z.string(), state: z.record(z.string(), z.unknown()) }))
          .optional(),
      })
      .optional(),
  }),
});

/** Adds debug containers as the cluster's admin does who has no broker: patch, watch, a line to end it. */
export class DirectContainers {
  private readonly client: RawClient;
  private readonly token: string;
  private readonly container: EphemeralContainer;

  /** @param like a Pod with a container of the broker's: ours are the same but for their names. */
  constructor(
    private readonly cluster: StandInCluster,
    like: string,
  ) {
    this.client = new RawClient(cluster.url, cluster.caPem);
    this.token = cluster.tokens.admin;
    const pod = cluster.pod(NAMESPACE, like);
    this.container = EphemeralContainer.parse(pod?.spec.ephemeralContainers?.at(-1));
  }

  /** One container, ended as soon as it runs. Gives the span from sending the patch until the watch says `running`. */
  async timed(pod: string): Promise<Span> {
    const { client, token } = this;
    const name = `direct-${randomBytes(8).toString('hex')}`;
    const fromMs = performance.now();
    const { status, body } = await client.send({
      method: 'PATCH',
      path: `${PODS}/${pod}/ephemeralcontainers`,
      token,
      contentType: 'application/strategic-merge-patch+json',
      body: {
        spec: { ephemeralContainers: [{ ...this.container, name, command: this.command() }] },
      },
    });
    if (status !== 200) throw new Error(`the patch of ${pod} was answered ${status}`);
    const { metadata } = Patched.parse(body);
    const query = new URLSearchParams({
      watch: 'true',
      fieldSelector: `metadata.name=${pod}`,
      resourceVersion: metadata.resourceVersion,
    });
    const watching = await client.watch({ path: `${PODS}?${query.toString()}`, token });
    try {
      await watching.until((lines) => says(lines.at(-1), { name, state: 'running' }));
      const toMs = performance.now();
      await this.end(pod, name);
      await watching.until((lines) => says(lines.at(-1), { name, state: 'terminated' }));
      return { fromMs, toMs };
    } finally {
      watching.stop();
    }
  }

  private command(): string[] {
    return timerCommand({
      shell: this.container.command?.[0] ?? '',
      startByEpochSeconds: Math.ceil(Date.now() / 1000) + 60,
      durationSeconds: 600,
    });
  }

  private async end(pod: string, container: string): Promise<void> {
    const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true' });
    const trial = await this.client.stream(
      {
        path: `${PODS}/${pod}/attach?${query.toString()}`,
        token: this.token,
        protocols: ['v5.channel.k8s.io'],
      },
      async ({ send }) => send(0, '\n'),
    );
    if (trial.response) throw new Error(`attach to ${pod} was answered ${trial.response.status}`);
  }
}

function says(
  last: { readonly line: unknown } | undefined,
  wanted: { readonly name: string; readonly state: string },
): boolean {
  if (last === undefined) return false;
  const statuses = Line.parse(last.line).object.status?.ephemeralContainerStatuses ?? [];
  return statuses.some(({ name, state }) => name === wanted.name && wanted.state in state);
}
