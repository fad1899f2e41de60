import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../src/domain/problem.js';
import type { SessionId } from '../../src/domain/session/session.js';
import type { Terms } from '../../src/domain/policy/policy.js';
import type { Api, Who } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { ChannelClient, letIn, turnedAway } from '../support/kube.client.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';

const allow = (namespace: string, terms: Partial<Terms> = {}) =>
  policyOf(namespace, { match: { namespaces: [namespace] }, terms });

let api: Api;
beforeAll(async () => {
  api = await startApi({
    set: setOf([
      allow('staging'),
      allow('no-kubectl', { ways: ['cli'] }),
      allow('no-copies', { fileCopies: 'none' }),
      allow('down-only', { fileCopies: 'download' }),
      allow('watched', { watcher: 'required' }),
      allow('payments', { approvals: approvals(requirement(1, 'payments-leads')) }),
    ]),
  });
});
afterAll(() => api.close());
beforeEach(() => {
  api.kubectl.enter.refusal = undefined;
  api.kubectl.enter.notices.length = 0;
});

interface Running {
  readonly id: string;
  readonly pod: string;
  readonly at: string;
  /** The Pod's address. */
  readonly path: string;
}

async function ask(namespace = 'staging', over: object = {}): Promise<Running> {
  const { body } = await api.ask({ namespace, container: 'app', ...over });
  const pod = body.pod?.name ?? body.request.target.pod;
  const at = `/kube/${body.id}/api/v1/namespaces/${namespace}/pods`;
  return { id: body.id, pod, at, path: `${at}/${pod}` };
}

async function running(namespace = 'staging'): Promise<Running> {
  const session = await ask(namespace);
  await api.step(session.id, 'start');
  await api.step(session.id, 'run', { startedAt: new Date() });
  return session;
}

const get = (path: string, headers: Record<string, string> = {}, who: Who = 'robin') =>
  api.call('', { who, path, headers });

const exec = (session: Running, query: string, who = 'robin', protocols?: string[]) =>
  ChannelClient.open(`${api.url}${session.path}/exec?${query}`, who, protocols);

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

describe('a session as an API server', () => {
  test('says that it has Pods and nothing else', async () => {
    const { id } = await running();
    expect((await get(`/kube/${id}/api`)).body).toMatchObject({ versions: ['v1'] });
    expect((await get(`/kube/${id}/apis`)).body).toMatchObject({ groups: [] });
    const { body } = await get(`/kube/${id}/api/v1`);
    expect(body.resources.map(({ name }: { name: string }) => name)).toEqual([
      'pods',
      'pods/attach',
      'pods/ephemeralcontainers',
      'pods/exec',
      'pods/log',
      'pods/portforward',
    ]);
    expect((await get(`/kube/${id}/version`)).body).toMatchObject({ minor: '36' });
  });

  test('shows its Pod with the session’s container as the one that kubectl enters by default', async () => {
    const { id, path } = await running();
    const { status, headers, body } = await get(path, {
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body.metadata.annotations).toEqual({
      'kubectl.kubernetes.io/default-container': `hallpass-${id}`,
    });
    expect(body.spec.ephemeralContainers).toMatchObject([{ name: `hallpass-${id}` }]);
  });

  test('shows no values of environment variables, no headers, no annotations and no managed fields', async () => {
    const { path } = await running();
    const { text, body } = await get(path);
    expect(text).not.toContain('hunter2');
    expect(body.metadata.managedFields).toBeUndefined();
    expect(body.spec.containers[0].env).toEqual([
      { name: 'PASSWORD', value: '(masked by Hallpass)' },
      { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'one' } } },
    ]);
  });

  test('lists it and prints it', async () => {
    const { at, pod } = await running();
    expect((await get(`${at}?limit=500`, { accept: TABLE })).body).toMatchObject({
      kind: 'Table',
      rows: [{ cells: [pod, '1/1', 'Running', '0', expect.any(String), '<none>', 'node-1'] }],
    });
    const other = await get(`${at}?fieldSelector=metadata.name%3Dother`);
    expect(other.body).toMatchObject({ kind: 'PodList', items: [] });
    const named = await get(`${at}?fieldSelector=metadata.name%3D${pod}`);
    expect(named.body.items).toHaveLength(1);
  });

  test('watches it: what there is, the end of that, and the end of the session as a Status', async () => {
    const { id, at, pod } = await running();
    const response = await fetch(
      `${api.url}${at}?watch=true&sendInitialEvents=true&fieldSelector=metadata.name%3D${pod}&timeoutSeconds=30`,
      { headers: { authorization: 'Bearer robin' } },
    );
    const lines: { type: string; object: any }[] = []; // eslint-disable-line @typescript-eslint/no-explicit-any
    let rest = '';
    for await (const chunk of response.body ?? []) {
      const parts = (rest + Buffer.from(chunk).toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((part) => JSON.parse(part)));
      if (lines.length === 2) await api.step(id, 'stop', { endDetail: 'Enough.' });
    }
    expect(lines.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'ERROR']);
    expect(lines[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    expect(lines[2]?.object.message).toContain('Enough.');
  });

  test('watches it without a read for each of other people’s sessions', async () => {
    const { at, pod } = await running();
    const other = await running();
    const over = new AbortController();
    const { reads } = api.kubectl.pods;
    const times = () => reads.filter((read) => read === pod).length;
    const watch = await fetch(`${api.url}${at}?watch=true`, {
      headers: { authorization: 'Bearer robin' },
      signal: over.signal,
    });
    expect(watch.status).toBe(200);
    const before = times();
    const session = await api.store.find(other.id as SessionId);
    const began = performance.now();
    for (let version = session?.version ?? 1; version < 50; version++) {
      api.store.news.tell(other.id as SessionId, version);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const looks = Math.ceil((performance.now() - began) / 1_000);
    expect(times() - before).toBeLessThanOrEqual(looks + 1);
    over.abort();
  });

  test('says of everything else what it is a door to', async () => {
    const { id, pod } = await running();
    for (const path of [
      `/kube/${id}`,
      `/kube/${id}/api/v1/namespaces/other/pods/${pod}`,
      `/kube/${id}/api/v1/namespaces/staging/pods/other`,
      `/kube/${id}/api/v1/namespaces/staging/secrets`,
      `/kube/${id}/apis/apps/v1/deployments`,
    ]) {
      const { status, body } = await get(path);
      expect({ path, status, kind: body.kind, reason: body.reason }).toEqual({
        path,
        status: 403,
        kind: 'Status',
        reason: 'Forbidden',
      });
      expect(body.message).toContain(`a door to Pod "${pod}" in namespace "staging"`);
    }
  });

  test('tells who changes the Pod, in whatever format, that there is nothing to change', async () => {
    const { path } = await running();
    for (const type of [
      'application/strategic-merge-patch+json',
      'application/vnd.kubernetes.protobuf',
    ]) {
      const answer = await api.call('', {
        who: 'robin',
        method: 'PATCH',
        path: `${path}/ephemeralcontainers`,
        headers: { 'content-type': type },
        body: '{}',
      });
      expect([answer.status, answer.body.kind]).toEqual([403, 'Status']);
    }
  });
});

describe('who is let in', () => {
  test('nobody without a token, said as a Status', async () => {
    const { path } = await running();
    const { status, body } = await api.call('', { path });
    expect([status, body.kind, body.reason]).toEqual([401, 'Status', 'Unauthorized']);
  });

  test('nobody but the requester: to others the session is not there', async () => {
    const { id, path } = await running();
    for (const who of ['stranger', 'alex', 'auditor', 'admin'] as const) {
      const { status, body } = await get(path, {}, who);
      expect(body.kind).toBe('Status');
      expect([who, status === 404 || status === 403]).toEqual([who, true]);
    }
    const stranger = await get(path, {}, 'stranger');
    const absent = await get(path.replace(id, '0000000000000000'));
    expect(stranger.body.message.replace(id, '')).toBe(
      absent.body.message.replace('0000000000000000', ''),
    );
    expect([stranger.status, absent.status]).toEqual([404, 404]);
  });

  test('a session that waits says so, with the command that waits with it', async () => {
    const { id, path } = await ask('payments');
    const { status, body } = await get(path);
    expect([status, body.reason]).toEqual([409, 'Conflict']);
    expect(body.message).toContain(`hallpass sessions wait ${id}`);
  });

  test('what there is to ask for is told to anybody signed in, and the same whatever the session', async () => {
    const { id } = await running();
    const answers = await Promise.all([
      get(`/kube/${id}/api/v1`),
      get(`/kube/${id}/api/v1`, {}, 'stranger'),
      get('/kube/0000000000000000/api/v1', {}, 'stranger'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await api.call('', { path: `/kube/${id}/api/v1` })).status).toBe(401);
  });

  test('a session that is over says why', async () => {
    const { id, path } = await running();
    await api.step(id, 'stop', { endDetail: 'Its Pod is gone.' });
    const { status, body } = await get(path);
    expect(status).toBe(409);
    expect(body.message).toContain('has ended: Its Pod is gone.');
  });

  test('terms without the way kubectl keep it out, and name the ways there are', async () => {
    const { path } = await running('no-kubectl');
    const { status, body } = await get(path);
    expect(status).toBe(403);
    expect(body.message).toContain('do not allow kubectl, but cli');
  });

  test('a Pod that was made anew under its name is not shown', async () => {
    const { path, pod } = await running();
    api.kubectl.pods.gone.add(pod);
    expect((await get(path)).status).toBe(422);
  });
});

describe('exec', () => {
  test('runs the command in the session’s container by the way kubectl, and tells its exit code', async () => {
    const session = await running();
    const query = `command=sh&command=-c&command=echo+out%3B+echo+err+%3E%262%3B+exit+7&container=hallpass-${session.id}&stdout=true&stderr=true`;
    const played = await letIn(await exec(session, query)).played();
    expect(played).toMatchObject({ protocol: 'v5.channel.k8s.io', stderr: 'err\n', code: 1000 });
    expect(played.stdout.toString()).toBe('out\n');
    expect(played.order[0], 'an empty frame on stdout comes first').toBe(1);
    expect(played.order.at(-1), 'the Status comes last').toBe(3);
    expect(played.status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    });
    expect(api.kubectl.enter.entries.at(-1)).toMatchObject({
      session: session.id,
      kind: 'exec',
      way: 'kubectl',
      command: ['sh', '-c', 'echo out; echo err >&2; exit 7'],
      tty: false,
      stdin: false,
    });
    expect(api.kubectl.enter.callers.at(-1)?.actor.channel).toBe('kubectl');
  });

  test('takes a long command, and says as a Status how long one may be', async () => {
    const session = await running();
    const query = (bytes: number) => {
      const said = new URLSearchParams({ stdout: 'true' });
      for (const word of ['sh', '-c', 'printf %s "$0" | wc -c', 'é'.repeat(bytes / 2)]) {
        said.append('command', word);
      }
      return said.toString();
    };
    const { stdout } = await letIn(await exec(session, query(32_000))).played();
    expect(stdout.toString().trim()).toBe('32000');
    const refused = turnedAway(await exec(session, query(33_000)));
    expect(refused).toMatchObject({ httpStatus: 413, body: { kind: 'Status' } });
    expect(refused.body.message).toContain('at most 1000 words and 32 KiB');
  });

  test('passes megabytes through byte for byte, and the end of the input', async () => {
    const session = await running();
    const client = letIn(await exec(session, 'command=cat&stdin=true&stdout=true'));
    const sent = Buffer.alloc(3 * 1024 * 1024, 'ü∀\n\0');
    for (let at = 0; at < sent.length; at += 32_768) client.send(0, sent.subarray(at, at + 32_768));
    client.endInput();
    const { stdout, status } = await client.played();
    expect(stdout.equals(sent)).toBe(true);
    expect(status).toMatchObject({ status: 'Success' });
  });

  test('tells the process the size of the terminal, and only sizes that are some', async () => {
    const session = await running();
    const client = letIn(await exec(session, 'command=cat&stdin=true&stdout=true&tty=true'));
    client.send(4, '{"Width":101,"Height":33}\n');
    client.send(4, '{"Width":0,"Height":70000}\n');
    client.send(4, 'no size');
    client.endInput();
    await client.played();
    expect(api.kubectl.enter.resizes).toEqual([{ columns: 101, rows: 33 }]);
    expect(api.kubectl.enter.entries.at(-1)).toMatchObject({ kind: 'terminal', tty: true });
  });

  test('speaks v4, where the client’s leaving ends the input', async () => {
    const session = await running();
    const client = letIn(
      await exec(session, 'command=cat&stdin=true&stdout=true', 'robin', ['v4.channel.k8s.io']),
    );
    client.endInput();
    client.send(0, 'still open');
    await expect.poll(() => Buffer.concat(client.frames).toString()).toContain('still open');
    client.socket.close();
    await client.closed;
  });

  test('a frame that closes no stream ends the connection', async () => {
    const session = await running();
    const client = letIn(await exec(session, 'command=cat&stdin=true&stdout=true'));
    client.send(255, Buffer.of(0, 1));
    expect(await client.closed).toBe(1000);
  });

  test('notices are shown on a terminal, and beside a command’s output only where they matter', async () => {
    const session = await running();
    api.kubectl.enter.notices.push(
      { kind: 'begin', text: 'This is recorded.' },
      { kind: 'deadline', text: 'One minute left.' },
    );
    const onTerminal = letIn(await exec(session, 'command=true&stdout=true&tty=true'));
    expect((await onTerminal.played()).stdout.toString()).toContain('[hallpass] This is recorded.');
    const beside = letIn(await exec(session, 'command=true&stdout=true&stderr=true'));
    const { stdout, stderr } = await beside.played();
    expect([stdout.toString(), stderr]).toEqual(['', '[hallpass] One minute left.\n']);
  });

  test('a session that ends under a command says why, on the channel of the Status', async () => {
    const session = await running();
    const client = letIn(await exec(session, 'command=cat&stdin=true&stdout=true'));
    client.send(0, 'x');
    await expect.poll(() => client.frames.length).toBeGreaterThan(1);
    api.kubectl.enter.end({
      kind: 'session-over',
      reason: 'revoked',
      detail: 'Alex revoked the session.',
    });
    const { status, code } = await client.played();
    expect(code).toBe(1000);
    expect(status).toMatchObject({ status: 'Failure', message: 'Alex revoked the session.' });
  });

  test('another container is refused by name, before and after the fallback to SPDY, in the same words', async () => {
    const session = await running();
    const query = 'command=sh&container=app&stdout=true';
    const refused = turnedAway(await exec(session, query));
    expect(refused).toMatchObject({
      httpStatus: 403,
      contentType: 'application/json',
      body: { kind: 'Status', reason: 'Forbidden', code: 403 },
    });
    expect(refused.body.message).toContain(`-c hallpass-${session.id}`);
    const spdy = await api.call('', {
      who: 'robin',
      method: 'POST',
      path: `${session.path}/exec?${query}`,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'content-length': '0' },
    });
    expect([spdy.status, spdy.body]).toEqual([403, refused.body]);
  });

  test('who speaks SPDY alone is told which kubectl to use', async () => {
    const session = await running();
    const { status, body } = await api.call('', {
      who: 'robin',
      method: 'POST',
      path: `${session.path}/exec?command=sh&stdout=true`,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'content-length': '0' },
    });
    expect(status).toBe(400);
    expect(body.message).toContain('kubectl 1.30 or newer');
  });

  test('what refuses the entry is said as a Status', async () => {
    const session = await running();
    api.kubectl.enter.refusal = problem('too-many-streams', 'Five streams are open: close one.');
    const refused = turnedAway(await exec(session, 'command=sh&stdout=true'));
    // Not 429, at which kubectl would ask again and again.
    expect(refused).toMatchObject({
      httpStatus: 403,
      body: { message: 'Five streams are open: close one.' },
    });
  });

  test('what refused the entry is what the fallback to SPDY hears, once, and nobody else', async () => {
    const session = await running();
    const query = 'exec?command=sh&stdout=true';
    const bySpdy = async (who: Who = 'robin') => {
      const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'content-length': '0' };
      const { body } = await api.call('', {
        who,
        method: 'POST',
        path: `${session.path}/${query}`,
        headers,
      });
      return body.message;
    };
    api.kubectl.enter.refusal = problem('too-many-streams', 'Five streams are open: close one.');
    turnedAway(await exec(session, 'command=sh&stdout=true'));
    expect(await bySpdy('stranger')).not.toContain('streams are open');
    expect(await bySpdy()).toBe('Five streams are open: close one.');
    expect(await bySpdy()).toContain('kubectl 1.30 or newer');
  });

  test('attaching is refused with the command that opens a shell', async () => {
    const session = await running();
    const refused = turnedAway(
      await ChannelClient.open(`${api.url}${session.path}/attach?stdout=true`, 'robin'),
    );
    expect(refused.body.message).toContain(`kubectl exec -it ${session.pod} -- /bin/sh`);
  });

  test('a client that goes away leaves the stream', async () => {
    const session = await running();
    const client = letIn(await exec(session, 'command=cat&stdin=true&stdout=true'));
    const left = api.kubectl.enter.left;
    client.socket.terminate();
    await expect.poll(() => api.kubectl.enter.left).toBe(left + 1);
  });
});

describe('copies', () => {
  const DOWN = 'command=tar&command=cf&command=-&command=%2Ftmp%2Ff&stdout=true&stderr=true';
  const UP =
    'command=tar&command=-xmf&command=-&command=-C&command=%2Ftmp&stdin=true&stdout=true&stderr=true';

  test.each([
    ['no-copies', DOWN, 'out of'],
    ['no-copies', UP, 'into'],
    ['down-only', UP, 'into'],
  ])('in %s are refused where terms forbid: %s', async (namespace, query, words) => {
    const refused = turnedAway(await exec(await running(namespace), query));
    expect(refused.httpStatus).toBe(403);
    expect(refused.body.message).toContain(`do not allow copying files ${words} the container`);
  });

  test('are entered as copies, with their direction', async () => {
    letIn(await exec(await running('down-only'), DOWN)).socket.close();
    expect(api.kubectl.enter.entries.at(-1)).toMatchObject({ kind: 'copy', copy: 'download' });
    letIn(await exec(await running(), UP)).socket.close();
    expect(api.kubectl.enter.entries.at(-1)).toMatchObject({ kind: 'copy', copy: 'upload' });
  });
});

describe('logs', () => {
  test('are those of the container that the session looks at, on the record before they are shown', async () => {
    const { id, path } = await running();
    const { status, text, headers } = await get(
      `${path}/log?container=hallpass-${id}&tailLines=10&timestamps=true&limitBytes=99999999999`,
    );
    expect([status, text]).toEqual([200, 'tick 1\ntick 2\n']);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(api.kubectl.pods.asked.at(-1)).toEqual({
      container: 'app',
      follow: false,
      previous: false,
      timestamps: true,
      tailLines: 10,
      limitBytes: 64 * 1024 * 1024,
    });
    expect(api.kubectl.recorder.recordings.at(-1)).toMatchObject({
      opened: { session: { id }, kind: 'logs', way: 'kubectl', command: ['logs', 'app'] },
      text: 'tick 1\ntick 2\n',
      end: { why: 'the log ended' },
    });
  });

  test('leave nothing behind on a connection that is used again and again', async () => {
    const { path } = await running();
    const warned: string[] = [];
    const hear = ({ message }: Error) => warned.push(message);
    process.on('warning', hear);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; turn < 20; turn++) {
      api.kubectl.pods.log = Readable.from([Buffer.from('tick\n')]);
      const call = request(`${api.url}${path}/log`, {
        agent,
        headers: { authorization: 'Bearer robin' },
      });
      call.end();
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      await response.resume().toArray();
    }
    agent.destroy();
    process.off('warning', hear);
    expect(warned).toEqual([]);
  });

  test('of other people’s debug containers are not shown', async () => {
    const { path } = await running();
    const { status, body } = await get(`${path}/log?container=hallpass-0000000000000000`);
    expect(status).toBe(403);
    expect(body.message).toContain("the Pod's own containers: app");
  });

  test('end when the session does', async () => {
    const { id, path } = await running();
    api.kubectl.pods.log = (async function* () {
      for (;;) {
        yield Buffer.from('tick\n');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const response = await fetch(`${api.url}${path}/log?container=app&follow=true`, {
      headers: { authorization: 'Bearer robin' },
    });
    let ended = false;
    for await (const _ of response.body ?? []) {
      if (!ended) await api.step(id, 'stop', { endDetail: 'Revoked.' });
      ended = true;
    }
    await expect.poll(() => api.kubectl.recorder.recordings.at(-1)?.end?.why).toBe('Revoked.');
  });

  test('that must be watched wait until somebody watches', async () => {
    const { path } = await running('watched');
    const { status, body } = await get(`${path}/log?container=app`);
    expect(status).toBe(409);
    expect(body.message).toContain('waits until somebody watches it');
  });

  test('with options that are none are refused', async () => {
    const { path } = await running();
    expect((await get(`${path}/log?tailLines=-1`)).status).toBe(400);
    expect((await get(`${path}/log?sinceTime=yesterday`)).status).toBe(400);
  });
});

test('a replica that stops tells its streams that it does, and ends logs that are followed and watches', async () => {
  const other = await startApi();
  const { body } = await other.ask();
  await other.step(body.id, 'start');
  await other.step(body.id, 'run', { startedAt: new Date() });
  const path = `/kube/${body.id}/api/v1/namespaces/staging/pods`;
  const client = letIn(
    await ChannelClient.open(
      `${other.url}${path}/${body.pod.name}/exec?command=cat&stdin=true&stdout=true`,
      'robin',
    ),
  );
  other.kubectl.pods.log = (async function* () {
    for (;;) {
      yield Buffer.from('tick\n');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const headers = { authorization: 'Bearer robin' };
  const log = await fetch(`${other.url}${path}/${body.pod.name}/log?follow=true`, { headers });
  const watch = await fetch(`${other.url}${path}?watch=true`, { headers });
  await Promise.all([other.close(), log.text(), watch.text()]);
  const { status, code } = await client.played();
  expect(code).toBe(1000);
  expect(status).toMatchObject({ message: expect.stringContaining('is being stopped') });
});
