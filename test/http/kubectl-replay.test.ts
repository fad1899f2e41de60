import { readFile, readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

const RECORDINGS = new URL('../kubernetes-1.36/kubectl/', import.meta.url);

const Recording = z.object({
  requests: z.array(
    z.object({
      method: z.string(),
      url: z.string(),
      upgrade: z.boolean().default(false),
      headers: z.record(z.string(), z.string()),
    }),
  ),
});
type Recorded = z.infer<typeof Recording>['requests'][number];

/** What a session is no door to, of what kubectl was recorded to ask for. */
const REFUSED =
  /\/(?:attach|ephemeralcontainers|portforward|events|selfsubjectaccessreviews)\b|container=debugger/;

let api: Api;
let at: { readonly id: string; readonly pod: string };
beforeAll(async () => {
  api = await startApi();
  const { body } = await api.ask();
  await api.step(body.id, 'start');
  await api.step(body.id, 'run', { startedAt: new Date() });
  at = { id: body.id, pod: body.pod.name };
});
afterAll(() => api.close());

/** The same for the session's Pod and container. */
function here(url: string): string {
  const ours = url
    .replace('/namespaces/lab/', '/namespaces/staging/')
    .replaceAll(/(pods\/|metadata\.name%3D)web\b/g, `$1${at.pod}`)
    .replace(/container=dbg-\w+/, `container=hallpass-${at.id}`);
  return `/kube/${at.id}${ours}`;
}

/** The status and the type of the answer, with as much of its body as came first. */
async function answerTo({ method, url, upgrade, headers }: Recorded) {
  const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
  const isWebSocket = headers['upgrade'] === 'websocket';
  return new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
    const request = httpRequest(`${api.url}${here(url)}`, {
      method,
      headers: { ...headers, ...(isWebSocket ? key : {}), authorization: 'Bearer robin' },
    });
    request.once('error', reject);
    request.once('upgrade', ({ headers: given }, socket) => {
      socket.destroy();
      resolve({ status: 101, type: given['sec-websocket-protocol'] ?? '', body: '' });
    });
    request.once('response', (response) => {
      const answer = (body: string) =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body,
        });
      response.once('data', (part: Buffer) => {
        answer(part.toString());
        // A watch goes on for minutes.
        if (url.includes('watch=true')) request.destroy();
      });
      response.once('end', () => answer(''));
    });
    request.on('error', () => undefined);
    if (!upgrade && headers['content-type']) request.write('{}');
    request.end();
  });
}

describe.each(['1.32', '1.36'])('what kubectl %s sends', (version) => {
  test('is served where a session is a door to it, and refused as a Status where not', async () => {
    const folder = new URL(`${version}/`, RECORDINGS);
    const told: string[] = [];
    for (const file of (await readdir(folder)).sort()) {
      const recording: unknown = JSON.parse(await readFile(new URL(file, folder), 'utf8'));
      for (const recorded of Recording.parse(recording).requests) {
        const { status, type, body } = await answerTo(recorded);
        const what = `${file}: ${recorded.method} ${recorded.url}`;
        told.push(what);
        if (REFUSED.test(recorded.url)) {
          expect([what, status, type]).toEqual([what, 403, 'application/json']);
          expect([what, JSON.parse(body)]).toMatchObject([what, { kind: 'Status', code: 403 }]);
        } else if (recorded.upgrade) {
          expect([what, status, type]).toEqual([what, 101, 'v5.channel.k8s.io']);
        } else {
          expect([what, status]).toEqual([what, 200]);
          expect(type, what).toMatch(/^(?:application\/json|text\/plain)/);
        }
      }
    }
    expect(told.length).toBeGreaterThan(30);
  });
});
