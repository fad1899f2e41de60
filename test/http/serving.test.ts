import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import { afterEach, expect, test } from 'vitest';
import type { Api } from '../support/http.api.js';
import { KeptTimes } from '../support/kept.times.js';
import { tookMs } from '../support/own.time.js';
import { startApi } from '../support/http.api.js';

let api: Api | undefined;
afterEach(() => api?.close());

function memory(): { stream: Writable; lines: () => Record<string, unknown>[] } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return {
    stream,
    lines: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test('each request is one line in the log: who asked for what is not in it, its id and its end are', async () => {
  const log = memory();
  const started = (api = await startApi({ deps: { logger: pino({ level: 'info' }, log.stream) } }));
  const { headers } = await started.call('listSessions', {
    who: 'robin',
    path: '/v1/sessions?namespace=secretive',
    headers: { cookie: 'session=hunter2' },
  });
  await started.call('', { path: '/v1/nothing' });
  await expect.poll(() => log.lines().filter((line) => 'res' in line)).toHaveLength(2);
  const [first, second] = log.lines().filter((line) => 'res' in line);
  expect(first).toMatchObject({
    request: headers.get('x-request-id'),
    req: { method: 'GET', path: '/v1/sessions' },
    res: { status: 200 },
  });
  expect(second).toMatchObject({ req: { path: '/v1/nothing' }, res: { status: 404 } });
  expect(JSON.stringify(log.lines())).not.toMatch(/robin|Bearer|hunter2|secretive/);
});

test('answers are timed by route and kind of status: no address that anybody makes up is kept', async () => {
  const times = new KeptTimes();
  const started = (api = await startApi({ deps: { stopwatch: times } }));
  await started.call('getSession', { who: 'robin', path: '/v1/sessions/0123456789abcdef' });
  await started.call('getSession', { path: '/v1/sessions/hunter2' });
  await started.call('', { who: 'robin', path: '/v1/hunter2?token=hunter2' });
  await started.call('', { method: 'PROPFIND', path: '/hunter2' });
  await started.call('listSessions', { who: 'robin', path: '/v1/sessions?namespace=hunter2' });
  // An answer is timed when all of it is sent: whoever asked may have it already.
  await expect.poll(() => times.all).toHaveLength(5);
  expect(times.all.map(({ what, labels }) => [what, ...Object.values(labels)])).toEqual([
    ['httpRequest', 'GET', '/v1/sessions/:id', '4xx'],
    ['httpRequest', 'GET', '/v1/sessions/:id', '4xx'],
    ['httpRequest', 'GET', 'none', '4xx'],
    ['httpRequest', 'other', 'none', '4xx'],
    ['httpRequest', 'GET', '/v1/sessions', '2xx'],
  ]);
  expect(times.all.every(({ seconds }) => seconds >= 0 && seconds < 10)).toBe(true);
});

test('with a certificate the API is served by TLS, and browsers are told to stay with it', async () => {
  const pair = await generate([{ name: 'commonName', value: 'localhost' }]);
  const started = (api = await startApi({
    settings: {
      tls: { cert: pair.cert, key: pair.private },
      publicUrl: 'https://hallpass.example.com',
    },
  }));
  const agent = new Agent({ rejectUnauthorized: false });
  const answer = await new Promise<{ status: number | undefined; hsts: unknown }>(
    (resolve, reject) => {
      get({ host: '127.0.0.1', port: started.port, path: '/openapi.json', agent }, (response) => {
        response.resume();
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            hsts: response.headers['strict-transport-security'],
          }),
        );
      }).on('error', reject);
    },
  );
  agent.destroy();
  expect(answer).toEqual({ status: 200, hsts: 'max-age=31536000' });
});

test('closing answers what is under way, and takes no more', async () => {
  const started = (api = await startApi());
  const held = Promise.withResolvers<undefined>();
  started.store.held = held.promise;
  const underWay = started.ask();
  await expect.poll(() => started.store.calls).toBeGreaterThan(0);
  const closed = started.close();
  await expect(started.call('', { path: '/openapi.json' })).rejects.toThrow();
  held.resolve(undefined);
  const { status, headers } = await underWay;
  expect([status, headers.get('connection')]).toEqual([201, 'close']);
  await closed;
  api = undefined;
});

test('closing waits for nobody who is connected and says nothing', async () => {
  const started = (api = await startApi());
  const silent = connect(started.port, '127.0.0.1');
  const kept = connect(started.port, '127.0.0.1');
  kept.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n');
  await Promise.all([once(silent, 'connect'), once(kept, 'data')]);
  expect(await tookMs(() => started.close())).toBeLessThan(2_000);
  silent.destroy();
  kept.destroy();
  api = undefined;
});
