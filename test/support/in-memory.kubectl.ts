import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Caller } from '../../src/app/caller.js';
import type { Entry, Notice, OpenStream, StreamEnd } from '../../src/app/enter-session.js';
import { EnterSession } from '../../src/app/enter-session.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import type { KubectlUses } from '../../src/app/kubectl.uses.js';
import { kubectlUses } from '../../src/app/kubectl.uses.js';
import { LiveStreams } from '../../src/app/live-streams.js';
import { StopSession } from '../../src/app/stop-session.js';
import type {
  ByteTunnel,
  LogOptions,
  PodJson,
  PodPlace,
} from '../../src/app/ports/cluster.pods.js';
import { ClusterPods } from '../../src/app/ports/cluster.pods.js';
import type { Clusters } from '../../src/app/ports/cluster.js';
import type { OutputChunk, TerminalSize } from '../../src/app/ports/cluster.streams.js';
import type { KubeName } from '../../src/app/ports/kube.names.js';
import { KubeNames } from '../../src/app/ports/kube.names.js';
import type { KubeToken } from '../../src/app/ports/kube.tokens.js';
import { KubeTokens } from '../../src/app/ports/kube.tokens.js';
import type { Watching } from '../../src/app/ports/presence.js';
import { Presence } from '../../src/app/ports/presence.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import { Recorder } from '../../src/app/ports/recorder.js';
import type { Problem } from '../../src/domain/problem.js';
import { problem } from '../../src/domain/problem.js';
import type { NewRecording, RecordingEnd } from '../../src/domain/recording/recording.js';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import type { SessionId } from '../../src/domain/session/session.js';
import type { HandClock, MemorySessionStore } from './in-memory.ports.js';
import { MemoryJournal, NobodyOnCall, NoHistory } from './in-memory.ports.js';
import { MemoryActivity } from './in-memory.streams.js';
import type { PolicySource } from '../../src/app/ports/policy.source.js';
import type { RequestSession } from '../../src/app/request-session.js';

/** Every Pod is there that `MemoryClusters` finds, with one container, secrets in its environment, and a log. */
export class MemoryPods extends ClusterPods {
  /** What was asked for, newest last. */
  readonly asked: LogOptions[] = [];
  log: AsyncIterable<Uint8Array> = Readable.from([Buffer.from('tick 1\ntick 2\n')]);
  /** What becomes of ports that are forwarded. */
  tunnel: (headers: Readonly<Record<string, string>>) => ByteTunnel | Problem = () =>
    problem('cluster-unavailable', 'There is no cluster.');
  readonly gone = new Set<string>();
  /** The Pods that were read, newest last. */
  readonly reads: string[] = [];

  read({ namespace, pod }: Parameters<ClusterPods['read']>[0]): Promise<PodJson | Problem> {
    this.reads.push(pod);
    if (this.gone.has(pod)) {
      return Promise.resolve(problem('target-not-found', `There is no Pod "${pod}".`));
    }
    return Promise.resolve(memoryPod(namespace, pod));
  }

  logs(_: PodPlace, options: LogOptions): Promise<AsyncIterable<Uint8Array>> {
    this.asked.push(options);
    return Promise.resolve(this.log);
  }

  forward(_: PodPlace, headers: Readonly<Record<string, string>>): Promise<ByteTunnel | Problem> {
    return Promise.resolve(this.tunnel(headers));
  }
}

/** A tunnel that accepts the upgrade, takes everything, and says nothing. */
export class SilentTunnel implements ByteTunnel {
  readonly headers: Readonly<Record<string, string>>;
  readonly taken: Uint8Array[] = [];
  private readonly over = Promise.withResolvers<undefined>();

  constructor(asked: Readonly<Record<string, string>>) {
    const key = `${asked['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    this.headers = {
      'sec-websocket-accept': createHash('sha1').update(key).digest('base64'),
      'sec-websocket-protocol': asked['sec-websocket-protocol'] ?? '',
    };
  }

  get output(): AsyncIterable<Uint8Array> {
    const { over } = this;
    return (async function* () {
      await over.promise;
      yield* [];
    })();
  }

  write(data: Uint8Array): Promise<boolean> {
    this.taken.push(data);
    return Promise.resolve(true);
  }

  closeInput(): void {
    this.over.resolve(undefined);
  }

  close(): void {
    this.over.resolve(undefined);
  }
}

export function memoryPod(namespace: string, pod: string): PodJson {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: pod,
      namespace,
      uid: `uid-of-${namespace}-${pod}`,
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"password":"hunter2"}' },
      managedFields: [{ manager: 'kubectl' }],
    },
    spec: {
      nodeName: 'node-1',
      containers: [
        {
          name: 'app',
          image: 'docker.io/library/app:1',
          env: [
            { name: 'PASSWORD', value: 'hunter2' },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'one' } } },
          ],
          livenessProbe: {
            httpGet: { httpHeaders: [{ name: 'Authorization', value: 'hunter2' }] },
          },
        },
      ],
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'app', ready: true, restartCount: 0, state: { running: {} } }],
    },
  };
}

/** Runs commands on this machine instead of in containers. */
export class LocalEntering extends EnterSession {
  readonly entries: Entry[] = [];
  readonly callers: Caller[] = [];
  /** In the place of a stream. */
  refusal: Problem | undefined;
  readonly resizes: TerminalSize[] = [];
  /** What processes printed that was asked for, and what they were given, in bytes. */
  taken = 0;
  given = 0;
  /** Processes take nothing until it resolves. */
  held: Promise<undefined> | undefined;
  /** How many streams were left while their process ran. */
  left = 0;
  readonly notices: Notice[] = [];
  /** Ends every stream that is open. */
  end: (end: StreamEnd) => void = () => undefined;

  enter(caller: Caller, entry: Entry, signal: AbortSignal): Promise<OpenStream | Problem> {
    this.entries.push(entry);
    this.callers.push(caller);
    if (this.refusal) return Promise.resolve(this.refusal);
    const [program = 'sh', ...args] = entry.command ?? ['sh'];
    const child = spawn(program, args);
    const ended = Promise.withResolvers<StreamEnd>();
    const chunks = this.counted(mergeOutput(child.stdout, child.stderr));
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      ended.resolve({ kind: 'refused', problem: problem('container-not-ready', error.message) });
    });
    child.once('close', (code) => ended.resolve({ kind: 'exited', code: code ?? 137 }));
    let over = false;
    const leave = () => {
      if (!over && child.exitCode === null) this.left++;
      over = true;
      ended.resolve({ kind: 'left' });
      child.kill('SIGKILL');
    };
    this.end = (end) => {
      ended.resolve(end);
      child.kill('SIGKILL');
    };
    // As the real door does: from here on whoever has the stream is to leave it.
    if (signal.aborted) leave();
    if (!entry.stdin) child.stdin.end();
    const { notices, resizes } = this;
    return Promise.resolve({
      recording: newRecordingId(),
      output: chunks,
      notices: Readable.from(notices),
      ended: ended.promise,
      write: async (data: Uint8Array) => {
        await this.held;
        this.given += data.length;
        return new Promise<boolean>((resolve) => {
          child.stdin.write(data, (error) => resolve(!error));
        });
      },
      closeInput: () => {
        child.stdin.end();
        return Promise.resolve(true);
      },
      resize: (size: TerminalSize) => {
        resizes.push(size);
        return Promise.resolve(true);
      },
      leave,
    });
  }

  private async *counted(chunks: AsyncIterable<OutputChunk>): AsyncGenerator<OutputChunk> {
    for await (const chunk of chunks) {
      this.taken += chunk.data.length;
      yield chunk;
    }
  }
}

async function* mergeOutput(stdout: Readable, stderr: Readable): AsyncGenerator<OutputChunk> {
  const waiting: OutputChunk[] = [];
  let open = 2;
  let wake = Promise.withResolvers<undefined>();
  for (const [stream, from] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    from.on('data', (data: Buffer) => {
      waiting.push({ stream, data });
      if (waiting.length > 16) from.pause();
      wake.resolve(undefined);
    });
    from.once('close', () => {
      open--;
      wake.resolve(undefined);
    });
  }
  for (;;) {
    const chunk = waiting.shift();
    if (chunk) {
      yield chunk;
      if (waiting.length === 0) for (const from of [stdout, stderr]) from.resume();
    } else if (open === 0) return;
    else {
      await wake.promise;
      wake = Promise.withResolvers<undefined>();
    }
  }
}

/** Recordings in memory. */
export class MemoryRecorder extends Recorder {
  readonly recordings: {
    readonly opened: NewRecording;
    text: string;
    readonly marks: string[];
    isWatched: boolean;
    end: RecordingEnd | undefined;
    fail(why: string): void;
  }[] = [];
  refusal: Problem | undefined;

  open(opened: NewRecording): Promise<StreamRecording | Problem> {
    if (this.refusal) return Promise.resolve(this.refusal);
    const failed = Promise.withResolvers<string>();
    const kept: MemoryRecorder['recordings'][number] = {
      opened,
      text: '',
      marks: [],
      isWatched: false,
      end: undefined,
      fail: failed.resolve,
    };
    this.recordings.push(kept);
    return Promise.resolve({
      id: newRecordingId(),
      output: (_: unknown, data: Uint8Array) => {
        kept.text += Buffer.from(data).toString();
        return undefined;
      },
      input: () => undefined,
      resize: () => undefined,
      mark: (text: string) => void kept.marks.push(text),
      copied: () => undefined,
      room: undefined,
      watched: (isWatched: boolean) => void (kept.isWatched = isWatched),
      failed: failed.promise,
      stored: Promise.resolve(undefined),
      finish: (end: RecordingEnd) => {
        kept.end = end;
        return Promise.resolve();
      },
    });
  }
}

/** Those who watch, set by hand. */
export class MemoryPresence extends Presence {
  now: Watching[] = [];
  private readonly heard = new Set<(session: SessionId) => void>();

  watching(): Promise<readonly Watching[]> {
    return Promise.resolve(this.now);
  }

  join(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }

  subscribe(heard: (session: SessionId) => void): () => void {
    this.heard.add(heard);
    return () => this.heard.delete(heard);
  }

  tell(session: SessionId): void {
    for (const heard of this.heard) heard(session);
  }
}

/** Tokens in memory, under the same contract as those in the database. */
export class MemoryKubeTokens extends KubeTokens {
  readonly kept: KubeToken[] = [];

  add(token: KubeToken): Promise<void> {
    this.kept.push(token);
    return Promise.resolve();
  }

  find(hash: Uint8Array): Promise<KubeToken | undefined> {
    return Promise.resolve(this.kept.find((one) => Buffer.from(one.hash).equals(hash)));
  }
}

export class MemoryKubeNames extends KubeNames {
  readonly kept: KubeName[] = [];

  add(name: KubeName): Promise<void> {
    this.kept.push(name);
    return Promise.resolve();
  }

  of(sessions: readonly SessionId[]): Promise<KubeName[]> {
    return Promise.resolve(this.kept.filter(({ session }) => sessions.includes(session)));
  }
}

/** kubectl's side of an API in memory, with what tests look at. */
export interface KubectlLab {
  readonly live: LiveStreams;
  readonly pods: MemoryPods;
  readonly enter: LocalEntering;
  readonly recorder: MemoryRecorder;
  readonly presence: MemoryPresence;
  readonly tokens: MemoryKubeTokens;
  readonly names: MemoryKubeNames;
  readonly uses: KubectlUses;
}

export function kubectlLab(of: {
  readonly store: MemorySessionStore;
  readonly clusters: Clusters;
  readonly policies: PolicySource;
  readonly asking: RequestSession;
  readonly clock: HandClock;
}): KubectlLab {
  const lab = {
    pods: new MemoryPods(),
    enter: new LocalEntering(),
    recorder: new MemoryRecorder(),
    presence: new MemoryPresence(),
    tokens: new MemoryKubeTokens(),
    names: new MemoryKubeNames(),
  };
  const { store, clock } = of;
  const journal = new MemoryJournal();
  const live = new LiveStreams({
    store,
    news: store.news,
    presence: lab.presence,
    activity: new MemoryActivity(),
    stop: new StopSession({ store, clock, journal, replica: 'test' }),
    clock,
    journal,
  });
  live.start();
  const facts = new GatherFacts({
    history: new NoHistory(),
    onCall: new NobodyOnCall(),
    clock: of.clock,
  });
  const uses = kubectlUses({ ...of, ...lab, live, facts, audit: of.store.log });
  return { ...lab, live, uses };
}
