import { request } from 'node:https';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LineCutter } from './log.lines.js';
import { RawClient } from './raw.client.js';
import { startCluster } from './stand-in.cluster.js';
import type { StandInCluster } from './stand-in.cluster.js';

let cluster: StandInCluster;
let client: RawClient;

beforeAll(async () => {
  cluster = await startCluster({ timings: { crashBackOffMs: 50 } });
  cluster.addNamespace('lab');
  const talk = 'for n in 1 2 3 4; do echo line $n; sleep 0.05; done; printf rest; exec sleep 600';
  const command = ['/bin/sh', '-c', talk];
  const image = 'docker.io/library/busybox:1';
  cluster.addPod({ namespace: 'lab', name: 'talks', image, command });
  const crash = ['/bin/sh', '-c', 'echo born; sleep 0.1; exit 1'];
  cluster.addPod({ namespace: 'lab', name: 'crashes', image, command: crash });
  await cluster.untilPod('lab', 'crashes', (pod) =>
    (pod?.status.containerStatuses ?? []).some(({ restartCount }) => restartCount > 0),
  );
  client = new RawClient(cluster.url, cluster.caPem);
  const isSaid = async () => expect(await log('talks')).toMatch(/rest$/);
  await vi.waitFor(isSaid, { timeout: 15_000 });
});
afterAll(() => cluster.close());

async function ask(pod: string, options: Record<string, string | number> = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) query.set(name, `${value}`);
  const path = `/api/v1/namespaces/lab/pods/${pod}/log?${query.toString()}`;
  return client.send({ method: 'GET', path, token: cluster.tokens.admin });
}

async function log(pod: string, options: Record<string, string | number> = {}): Promise<unknown> {
  return (await ask(pod, options)).body;
}

/** A followed log, until it holds what is awaited; the connection is cut then. */
async function followed(options: string, awaited: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${cluster.url}/api/v1/namespaces/lab/pods/talks/log?follow=true&${options}`,
      { ca: cluster.caPem, headers: { authorization: `Bearer ${cluster.tokens.admin}` } },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (!text.includes(awaited)) return;
          asked.destroy();
          resolve(text);
        });
        answer.on('end', () => resolve(text));
        answer.on('error', () => undefined);
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

describe('a log', () => {
  it('is given whole, what has no line end yet included', async () => {
    expect(await log('talks')).toBe('line 1\nline 2\nline 3\nline 4\nrest');
  });

  it('is given from so many lines before its end', async () => {
    expect(await log('talks', { tailLines: 2 })).toBe('line 4\nrest');
    expect(await log('talks', { tailLines: 0 })).toBe('');
  });

  it('is given with the time of each line, as Go prints it', async () => {
    const text = String(await log('talks', { timestamps: 'true', tailLines: 2 }));
    const stamp = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z/.source;
    expect(text).toMatch(new RegExp(`^${stamp} line 4\\n${stamp} rest$`));
  });

  it('is given from a time on', async () => {
    const stamped = String(await log('talks', { timestamps: 'true' }))
      .split('\n')
      .map((line) => ({ at: line.slice(0, line.indexOf(' ')), text: line.replace(/^\S+ /, '') }));
    const third = stamped.find(({ text }) => text === 'line 3')?.at ?? '';
    // On a busy machine lines may come together, at one time.
    const since = stamped.filter(({ at }) => at >= third).map(({ text }) => text);
    expect(since.slice(-3)).toEqual(['line 3', 'line 4', 'rest']);
    expect(await log('talks', { sinceTime: third })).toBe(since.join('\n'));
    expect(await log('talks', { sinceTime: '2999-01-01T00:00:00Z' })).toBe('');
    expect(await log('talks', { sinceSeconds: 3600 })).toMatch(/^line 1\n/);
  });

  it('is cut after so many bytes, followed or not', async () => {
    expect(await log('talks', { limitBytes: 9 })).toBe('line 1\nli');
    expect(await followed('limitBytes=9', '(never)')).toBe('line 1\nli');
  });

  it('is followed from its tail on, line by line', async () => {
    expect(await followed('tailLines=2', 'line 4\n')).toBe('line 3\nline 4\n');
  });

  it('of the process before is given where there was one', async () => {
    // Between two lives there is a moment without one before.
    await expect.poll(() => log('crashes', { previous: 'true' })).toBe('born\n');
    expect(await ask('talks', { previous: 'true' })).toMatchObject({
      status: 400,
      body: { message: 'previous terminated container "app" in pod "talks" not found' },
    });
  });

  it.each([
    [{ tailLines: -1 }, 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
    [{ limitBytes: 0 }, 'limitBytes: Invalid value: 0: must be greater than 0'],
    [{ sinceSeconds: 0 }, 'sinceSeconds: Invalid value: 0: must be greater than 0'],
  ])('is refused with %j', async (options, why) => {
    expect(await ask('talks', options)).toMatchObject({
      status: 422,
      body: { message: `PodLogOptions "talks" is invalid: ${why}` },
    });
  });
});

describe('the lines of a log', () => {
  it('hold all that was written, however it came, each no longer than a part', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', '\n', 'é', 'x'.repeat(9_000)) })),
        (texts) => {
          const cutter = new LineCutter();
          const at = new Date(0);
          const lines = texts.flatMap((text) => cutter.take({ at, bytes: Buffer.from(text) }));
          lines.push(...cutter.end(at));
          expect(Buffer.concat(lines.map(({ bytes }) => bytes)).toString()).toBe(texts.join(''));
          for (const { bytes } of lines) expect(bytes.length).toBeLessThanOrEqual(16 * 1024);
          const begun = lines.filter(({ begins }) => begins).length;
          expect(begun).toBe(
            texts
              .join('')
              .split('\n')
              .filter((line, i, all) => line !== '' || i < all.length - 1).length,
          );
        },
      ),
    );
  });
});
