import '../support/needs.containers.js';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KubernetesStreams } from '../../src/adapters/kubernetes/kubernetes.streams.js';
import type { Place } from '../../src/app/ports/cluster.js';
import type { Exec, RemoteProcess } from '../../src/app/ports/cluster.streams.js';
import { isProblem } from '../../src/domain/problem.js';
import { BrokerLab, debugContainer } from './broker.lab.js';

const NEVER = new AbortController().signal;
const MEGABYTES = 8 * 1024 * 1024;

let lab: BrokerLab;
let streams: KubernetesStreams;
let place: Place;
beforeAll(async () => {
  lab = await BrokerLab.start();
  streams = new KubernetesStreams(lab.clusters);
  place = await lab.running();
});
afterEach(() => {
  lab.cluster.faults.clear();
  lab.cluster.requests.clear();
});
afterAll(() => lab.close());

async function exec(script: string, more: Partial<Exec> = {}): Promise<RemoteProcess> {
  const command = ['/bin/sh', '-c', script];
  const process = await streams.exec(place, { command, tty: false, stdin: true, ...more }, NEVER);
  if (isProblem(process)) throw new Error(process.detail);
  return process;
}

/** What it writes to its end, by stream. */
async function read(process: RemoteProcess): Promise<{ stdout: Buffer; stderr: Buffer }> {
  const parts: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  for await (const { stream, data } of process.output) parts[stream].push(data);
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) };
}

/** Reads until that was written. */
async function readUntil(
  output: AsyncIterator<{ readonly data: Uint8Array }>,
  wanted: string,
): Promise<string> {
  let text = '';
  while (!text.includes(wanted)) {
    const { value, done } = await output.next();
    if (done === true) throw new Error(`it ended before "${wanted}": ${text}`);
    text += Buffer.from(value.data).toString();
  }
  return text;
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('a process', () => {
  it.each([0, 7, 255])('tells its exit code %i after the last of its output', async (code) => {
    const process = await exec(`echo out; echo err >&2; exit ${code}`, { stdin: false });
    const { stdout, stderr } = await read(process);
    expect([stdout.toString(), stderr.toString()]).toEqual(['out\n', 'err\n']);
    expect(await process.ended).toEqual({ kind: 'exited', code });
    expect(await process.write(Buffer.from('x'))).toBe(false);
  });

  it('that echoes megabytes gives back every byte, whatever they are', async () => {
    const process = await exec('cat');
    const sent = randomBytes(MEGABYTES);
    const writing = process.write(sent).then(() => process.closeInput());
    const { stdout } = await read(process);
    expect(await writing).toBe(true);
    expect([stdout.length, sha256(stdout)]).toEqual([sent.length, sha256(sent)]);
    expect(await process.ended).toEqual({ kind: 'exited', code: 0 });
  });

  it('is told the end of its input, and goes on', async () => {
    const process = await exec('cat >/dev/null; echo and on');
    expect(await process.closeInput()).toBe(true);
    expect((await read(process)).stdout.toString()).toBe('and on\n');
  });

  it('with a terminal has the size that it is told, each time', async () => {
    const process = await exec('while read x; do stty size; done', { tty: true });
    const output = process.output[Symbol.asyncIterator]();
    for (const [rows, columns] of [
      [33, 101],
      [50, 200],
    ] as const) {
      expect(await process.resize({ rows, columns })).toBe(true);
      expect(await process.write(Buffer.from('\n'))).toBe(true);
      expect(await readUntil(output, `${rows} ${columns}`)).toContain(`${rows} ${columns}`);
    }
    process.close();
  });

  it('with a terminal is not asked for a standard error of its own', async () => {
    const process = await exec('echo one >&2', { tty: true });
    expect((await read(process)).stdout.toString()).toBe('one\r\n');
    const [asked] = lab.cluster.requests.find({ path: /\/exec\?/, status: 101 });
    expect(asked?.path).toContain('tty=true');
    expect(asked?.path).not.toContain('stderr');
  });

  it('that cannot be executed has failed, with what Kubernetes says', async () => {
    const process = await streams.exec(
      place,
      { command: ['/no/such'], tty: false, stdin: false },
      NEVER,
    );
    if (isProblem(process)) throw new Error(process.detail);
    await read(process);
    expect(await process.ended).toEqual({
      kind: 'failed',
      detail: expect.stringContaining('/no/such'),
    });
  });

  it('that nobody reads is slowed down, and memory stays bounded', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const flood = await exec('head -c 100000000 /dev/zero; echo done >/tmp/flooded', {
      stdin: false,
    });
    const output = flood.output[Symbol.asyncIterator]();
    await output.next();
    // Enough time for all of it, were it not held up.
    const began = performance.now();
    await expect.poll(() => performance.now() - began, { timeout: 3_000 }).toBeGreaterThan(1_500);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24_000_000);
    flood.close();
    expect(await flood.ended).toMatchObject({ kind: 'lost' });
  });

  it('that takes no input holds up who writes, until it is left', async () => {
    const process = await exec('sleep 60');
    const part = Buffer.alloc(1024 * 1024);
    let taken = 0;
    const writing = (async () => {
      while (await process.write(part)) taken++;
    })();
    await expect.poll(() => taken).toBeGreaterThan(0);
    const began = performance.now();
    await expect.poll(() => performance.now() - began, { timeout: 3_000 }).toBeGreaterThan(1_000);
    expect(taken).toBeLessThan(30);
    process.close();
    await writing;
  });

  it('whose stream is cut is lost, and what it wrote before is read', async () => {
    const process = await exec('echo before; sleep 60');
    const output = process.output[Symbol.asyncIterator]();
    await readUntil(output, 'before');
    lab.cluster.dropConnections();
    expect(await output.next()).toEqual({ done: true, value: undefined });
    expect(await process.ended).toMatchObject({ kind: 'lost' });
    expect(await process.write(Buffer.from('x'))).toBe(false);
  });

  it('is left at once by its signal', async () => {
    const stop = new AbortController();
    const command = ['/bin/sh', '-c', 'sleep 60'];
    const process = await streams.exec(place, { command, tty: false, stdin: true }, stop.signal);
    if (isProblem(process)) throw new Error(process.detail);
    stop.abort();
    await read(process);
    expect(await process.ended).toMatchObject({ kind: 'lost' });
  });
});

describe('a container that cannot be entered', () => {
  const notReady = expect.objectContaining({ problem: 'container-not-ready' });
  const quick = { command: ['/bin/true'], tty: false, stdin: false };

  it('because it was never asked for, is not ready', async () => {
    const nowhere = { ...place, containerName: 'hallpass-absent' };
    expect(await streams.exec(nowhere, quick, NEVER)).toEqual(notReady);
  });

  it('because the kubelet has not made it yet, is not ready, and then it is', async () => {
    // Longer than a busy machine takes to ask for it.
    lab.cluster.faults.add({ match: {}, effect: { kind: 'slow-start', delayMs: 2_000 } });
    const slow = await lab.place();
    await lab.clusters.add(slow, debugContainer(slow));
    const early = { ...quick, early: true };
    expect(await streams.exec(slow, early, NEVER)).toEqual(notReady);
    await expect
      .poll(async () => isProblem(await streams.exec(slow, early, NEVER)), { interval: 20 })
      .toBe(false);
  });

  it('because it has ended, is not ready', async () => {
    const gone = await lab.running();
    await lab.clusters.writeLine(gone);
    await lab.untilState(gone, 'terminated');
    expect(await streams.exec(gone, quick, NEVER)).toEqual(notReady);
  });

  it('because its Pod is gone, or its cluster, is another problem', async () => {
    const gone = { ...place, pin: { ...place.pin, podName: 'no-such' } };
    expect(await streams.exec(gone, quick, NEVER)).toMatchObject({ problem: 'target-not-found' });
    const far = { ...place, cluster: 'gone' };
    expect(await streams.exec(far, quick, NEVER)).toMatchObject({ problem: 'cluster-unavailable' });
    lab.cluster.faults.add({ match: { path: /exec/ }, effect: { kind: 'drop', when: 'before' } });
    expect(await streams.exec(place, quick, NEVER)).toMatchObject({
      problem: 'cluster-unavailable',
    });
  });

  it('because its caller gives up, says nothing of the cluster to its operators', async () => {
    const stop = new AbortController();
    const slow = lab.cluster.faults.add({
      match: { path: /exec/ },
      effect: { kind: 'delay', delayMs: 2_000 },
    });
    const before = lab.log.lines.length;
    const entering = streams.exec(place, quick, stop.signal);
    await expect.poll(() => slow.hits).toBe(1);
    stop.abort();
    expect(await entering).toMatchObject({ problem: 'cluster-unavailable' });
    expect(lab.log.lines.slice(before)).toEqual([]);
  });
});
