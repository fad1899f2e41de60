import '../support/needs.containers.js';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { KubernetesStreams } from '../../src/adapters/kubernetes/kubernetes.streams.js';
import type { Exec, RemoteProcess } from '../../src/app/ports/cluster.streams.js';
import { isProblem } from '../../src/domain/problem.js';
import { KeptLog } from './broker.lab.js';
import { kubeconfigOfPort } from '../support/kubeconfig.js';

const RECORDINGS = new URL('../kubernetes-1.36/', import.meta.url);
const Recording = z.object({
  response: z
    .object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.unknown() })
    .optional(),
  acceptedSubprotocol: z.string().optional(),
  frames: z
    .array(
      z.looseObject({
        from: z.string().optional(),
        channel: z.number().optional(),
        text: z.string().optional(),
        closed: z.object({ code: z.number() }).optional(),
      }),
    )
    .default([]),
});
type Recording = z.infer<typeof Recording>;

let http: Server;
let folder: string;
let broker: KubernetesClusters;
const asked: URL[] = [];
const heard: Buffer[] = [];

beforeEach(async () => {
  asked.length = 0;
  heard.length = 0;
  http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'hallpass-recorded-'));
  const { port } = http.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOfPort(port, '/k8s/'));
  const clusters = [{ name: 'prod-eu', inCluster: false, kubeconfig, namespaces: ['*'] }];
  broker = new KubernetesClusters({ clusters, log: new KeptLog() });
});
afterEach(async () => {
  await broker.close();
  http.closeAllConnections();
  http.close();
  await rm(folder, { recursive: true, force: true });
});

/** Answers the next upgrade as the recorded server did. */
async function replay(name: string, { heedsClient = false } = {}): Promise<void> {
  const text = await readFile(new URL(`${name}.json`, RECORDINGS), 'utf8');
  play(Recording.parse(JSON.parse(text)), heedsClient);
}

function play(
  recording: Recording,
  heedsClient = false,
  then: (socket: WebSocket) => Promise<void> = () => Promise.resolve(),
): void {
  const protocol = recording.acceptedSubprotocol;
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => protocol ?? false });
  http.once('upgrade', (request, socket, head) => {
    asked.push(new URL(request.url ?? '', 'http://x'));
    if (recording.response) socket.end(httpText(recording.response));
    else
      sockets.handleUpgrade(
        request,
        socket,
        head,
        (it) => void playFrames(it, recording, heedsClient).then(() => then(it)),
      );
  });
}

function httpText({ status, headers, body }: NonNullable<Recording['response']>): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} x\r\n${lines.join('')}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

async function playFrames(
  socket: WebSocket,
  { frames }: Recording,
  heedsClient: boolean,
): Promise<void> {
  socket.on('message', (data: Buffer) => heard.push(data));
  for (const { from, channel, text, closed } of frames) {
    if (from === 'client' && heedsClient) await once(socket, 'message');
    if (from === 'server') {
      socket.send(Buffer.concat([Buffer.of(channel ?? 0), Buffer.from(text ?? '')]));
    }
    if (closed?.code === 1006) socket.terminate();
    else if (closed) socket.close(closed.code);
  }
}

const place = {
  cluster: 'prod-eu',
  namespace: 'lab',
  pin: { podName: 'web', podUid: 'uid-1', nodeName: 'n1' },
  containerName: 'hallpass-1',
};

describe('a command, answered as a real cluster did', () => {
  it.each([
    ['stream/exec-exit-zero', 0],
    ['stream/exec-no-tty', 5],
    ['stream/exec-v4', 2],
    ['stream/exec-when-pod-deleted', 137],
  ])('%s ended with %i', async (name, exitCode) => {
    await replay(name);
    expect(await broker.run(place, ['/bin/sh', '-c', 'a b&c'])).toEqual({ exitCode });
    expect(asked[0]?.pathname).toBe('/k8s/api/v1/namespaces/lab/pods/web/exec');
    expect(asked[0]?.searchParams.getAll('command')).toEqual(['/bin/sh', '-c', 'a b&c']);
    expect(asked[0]?.searchParams.get('container')).toBe('hallpass-1');
  });

  it.each([
    ['stream/exec-command-not-found', 'cluster-refused', 'no such file or directory'],
    ['stream/exec-no-command', 'cluster-refused', 'args must not be empty'],
    ['stream/exec-when-main-dies', 'cluster-refused', 'cut off (code 1006)'],
    ['stream/exec-terminated', 'cluster-refused', 'container not found'],
    ['stream/exec-container-missing', 'cluster-refused', 'is not valid for pod'],
    ['stream/exec-pod-missing', 'target-not-found', 'not there any more'],
    ['stream/exec-rbac-denied', 'cluster-unauthorized', 'deploy/rbac.yaml'],
    ['admission/vap-exec-denied', 'admission-refused', 'ValidatingAdmissionPolicy'],
  ])('%s is %s', async (name, code, says) => {
    await replay(name);
    expect(await broker.run(place, ['/bin/true'])).toMatchObject({
      problem: code,
      detail: expect.stringContaining(says),
    });
  });
});

describe('a process that is entered, answered as a real cluster did', () => {
  const command = ['/bin/sh', '-c', 'a b&c'];
  const enter = (more: Partial<Exec> = {}) =>
    new KubernetesStreams(broker).exec(
      place,
      { command, tty: true, stdin: true, ...more },
      new AbortController().signal,
    );
  async function entered(more: Partial<Exec> = {}): Promise<RemoteProcess> {
    const process = await enter(more);
    if (isProblem(process)) throw new Error(process.detail);
    return process;
  }
  async function outputOf(process: RemoteProcess): Promise<string> {
    let text = '';
    for await (const { data } of process.output) text += Buffer.from(data).toString();
    return text;
  }

  it.each([
    ['stream/exec-exit-zero', { kind: 'exited', code: 0 }],
    ['stream/exec-tty', { kind: 'exited', code: 3 }],
    ['stream/exec-v4', { kind: 'exited', code: 2 }],
    ['stream/exec-when-pod-deleted', { kind: 'exited', code: 137 }],
    ['stream/exec-when-main-dies', { kind: 'lost', detail: expect.stringContaining('1006') }],
    ['stream/exec-command-not-found', { kind: 'failed', detail: expect.stringContaining('stat') }],
  ])('%s ends as %o, after all of its output', async (name, end) => {
    await replay(name);
    const process = await entered();
    const text = await readFile(new URL(`${name}.json`, RECORDINGS), 'utf8');
    const { frames } = Recording.parse(JSON.parse(text));
    const written = frames.filter(({ from, channel }) => from === 'server' && channel === 1);
    expect(await outputOf(process)).toBe(written.map((it) => it.text).join(''));
    expect(await process.ended).toEqual(end);
  });

  it.each([
    ['stream/exec-terminated', 'container-not-ready'],
    ['stream/exec-container-missing', 'container-not-ready'],
    ['stream/exec-pod-missing', 'target-not-found'],
    ['stream/exec-rbac-denied', 'cluster-unauthorized'],
    ['admission/vap-exec-denied', 'admission-refused'],
  ])('%s is %s', async (name, code) => {
    await replay(name);
    expect(await enter()).toMatchObject({ problem: code });
  });

  it('before its container is there is not ready, also where that is said after the upgrade', async () => {
    const message =
      'Internal error occurred: unable to upgrade connection: container not found ("hallpass-1")';
    const status = JSON.stringify({ status: 'Failure', reason: 'InternalError', message });
    play({
      acceptedSubprotocol: 'v5.channel.k8s.io',
      frames: [
        { from: 'server', channel: 1, text: '' },
        { from: 'server', channel: 3, text: status },
        { closed: { code: 1000 } },
      ],
    });
    expect(await enter({ early: true })).toMatchObject({
      problem: 'container-not-ready',
      detail: expect.stringContaining('container not found'),
    });
  });

  it('and is early, is told from one that failed, however late that is said', async () => {
    const message = 'container hallpass-1 not found in pod web_lab';
    for (const early of [true, false]) {
      let say: () => void = () => undefined;
      const late = new Promise<void>((resolve) => (say = resolve));
      play({ acceptedSubprotocol: 'v5.channel.k8s.io', frames: [] }, false, async (socket) => {
        await late;
        const status = JSON.stringify({ status: 'Failure', reason: 'InternalError', message });
        socket.send(Buffer.concat([Buffer.of(3), Buffer.from(status)]));
        socket.close(1000);
      });
      const process = await entered({ early });
      say();
      const detail = expect.stringContaining('not found');
      const failed = { kind: 'failed', detail };
      expect(await process.ended).toEqual(early ? { ...failed, tooEarly: true } : failed);
    }
  });

  it('and is early, but says nothing, is taken for started after a moment', async () => {
    play({ acceptedSubprotocol: 'v5.channel.k8s.io', frames: [] });
    const process = await entered({ early: true });
    process.close();
    expect(await process.ended).toMatchObject({ kind: 'lost' });
  });

  it('has its input ended under v5 alone', async () => {
    for (const protocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io']) {
      play({ acceptedSubprotocol: protocol, frames: [] });
      const process = await entered();
      expect(process.endsInput).toBe(protocol.startsWith('v5'));
      expect(await process.closeInput()).toBe(process.endsInput);
      process.close();
    }
  });

  it('ends with its Status, though the server never closes', async () => {
    const status = JSON.stringify({ metadata: {}, status: 'Success' });
    play({
      acceptedSubprotocol: 'v5.channel.k8s.io',
      frames: [
        { from: 'server', channel: 3, text: status },
        { from: 'server', channel: 1, text: 'late' },
      ],
    });
    const process = await entered();
    expect(await outputOf(process)).toBe('late');
    expect(await process.ended).toEqual({ kind: 'exited', code: 0 });
  });
});

describe('a line, answered as a real cluster did', () => {
  it('is sent to the standard input, once, and the end of the container waited for', async () => {
    await replay('stream/attach-tty-exit', { heedsClient: true });
    expect(await broker.writeLine(place)).toBe('done');
    expect(heard).toEqual([Buffer.from([0, 10])]);
    expect(asked[0]?.pathname).toBe('/k8s/api/v1/namespaces/lab/pods/web/attach');
    expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({
      container: 'hallpass-1',
      stdin: 'true',
      stdout: 'true',
    });
  });

  it('that comes too late, because the container has just ended, is a problem and no more', async () => {
    await replay('stream/attach-tty-exit');
    const answer = await broker.writeLine(place);
    expect(answer === 'done' || answer.problem).toBeOneOf([true, 'cluster-refused']);
  });

  it.each([
    ['stream/attach-terminated', 'cluster-refused', 'not found in pod web_lab'],
    ['stream/attach-waiting', 'cluster-refused', 'not found in pod web_lab'],
    ['admission/vap-attach-denied', 'admission-refused', 'ValidatingAdmissionPolicy'],
  ])('%s is %s', async (name, code, says) => {
    await replay(name);
    expect(await broker.writeLine(place)).toMatchObject({
      problem: code,
      detail: expect.stringContaining(says),
    });
  });
});
