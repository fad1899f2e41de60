import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tookMs } from '../support/own.time.js';
import type { Answer } from './on-call.server.js';
import { json, lab, OnCallServer, ROBIN, TOKEN } from './on-call.server.js';

let server: OnCallServer;
beforeEach(async () => {
  server = await OnCallServer.start();
  server.answer = json(['robin@example.com']);
});
afterEach(() => server.close());

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end(JSON.stringify(['robin@example.com']));

describe('an answer', () => {
  it('is used until it is as old as it may be, and then asked for anew', async () => {
    const { clock, ask } = lab();
    expect(await ask(server.source())).toBe(true);
    server.answer = json([]);
    clock.advance(59.999);
    expect(await ask(server.source())).toBe(true);
    expect(server.asked).toHaveLength(1);
    clock.advance(0.001);
    expect(await ask(server.source())).toBe(false);
    expect(server.asked).toHaveLength(2);
  });

  it('is asked for once for all who wait for it', async () => {
    const { ask, clock } = lab();
    const people = Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0 ? ROBIN : { ...ROBIN, email: 'sam@example.com' },
    );
    for (const asked of [1, 2]) {
      const facts = await Promise.all(people.map((person) => ask(server.source(), person)));
      expect(facts).toEqual(people.map((person) => person === ROBIN));
      expect(server.asked).toHaveLength(asked);
      clock.advance(60);
    }
  });

  it('of one source is not that of another, nor of the same name defined otherwise', async () => {
    const { ask } = lab();
    expect(await ask(server.source())).toBe(true);
    server.answer = json([]);
    expect(await ask(server.source({ name: 'other' }))).toBe(false);
    expect(await ask(server.source({ match: 'subject' }))).toBe(false);
    expect(await ask(server.source({ url: `${server.url}/elsewhere` }))).toBe(false);
    expect(server.asked).toHaveLength(4);
  });

  it('from what the clock now calls the future is not used', async () => {
    const { clock, ask } = lab();
    expect(await ask(server.source())).toBe(true);
    clock.advance(-86_400);
    server.answer = json([]);
    expect(await ask(server.source())).toBe(false);
    server.answer = status(500);
    clock.advance(-86_400);
    expect(await ask(server.source())).toBe('unknown');
  });
});

describe('a source that cannot be asked', () => {
  it('leaves its last answer in use until that is too old, then all is unknown', async () => {
    const { clock, ask } = lab();
    expect(await ask(server.source())).toBe(true);
    await server.close();
    clock.advance(60);
    expect(await ask(server.source())).toBe(true);
    clock.advance(240);
    expect(await ask(server.source())).toBe(true);
    clock.advance(0.001);
    expect(await ask(server.source())).toBe('unknown');
    expect(await ask(server.source(), { ...ROBIN, email: 'sam@example.com' })).toBe('unknown');
  });

  it('is left alone for five seconds, though nobody has an answer', async () => {
    const { clock, ask } = lab();
    server.answer = status(503);
    for (let time = 0; time < 5; time += 1) expect(await ask(server.source())).toBe('unknown');
    expect(server.asked).toHaveLength(1);
    clock.advance(4.999);
    server.answer = json(['robin@example.com']);
    expect(await ask(server.source())).toBe('unknown');
    clock.advance(0.001);
    expect(await ask(server.source())).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it('is left alone though an old answer is in use', async () => {
    const { clock, ask } = lab();
    await ask(server.source());
    server.answer = status(503);
    clock.advance(60);
    for (let time = 0; time < 5; time += 1) expect(await ask(server.source())).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it('is asked again at once when the clock was set back', async () => {
    const { clock, ask } = lab();
    server.answer = status(503);
    expect(await ask(server.source())).toBe('unknown');
    clock.advance(-86_400);
    server.answer = json(['robin@example.com']);
    expect(await ask(server.source())).toBe(true);
  });

  it('is told to operators when that begins, changes and ends, and not each time', async () => {
    const { clock, ask, journal, onCall } = lab();
    const times = async (count: number): Promise<void> => {
      for (let time = 0; time < count; time += 1) {
        await ask(server.source());
        clock.advance(100);
      }
    };
    const startedAt = clock.now();
    await times(1);
    expect(onCall.states([server.source()])).toEqual([
      { name: 'payments', lastSuccessAt: startedAt, lastError: null },
    ]);
    server.answer = status(503);
    await times(3);
    expect(onCall.states([server.source()])).toEqual([
      { name: 'payments', lastSuccessAt: startedAt, lastError: 'answered 503' },
    ]);
    server.answer = status(401);
    await times(3);
    server.answer = json([]);
    await times(2);
    expect(journal.lines.map(({ level, facts }) => ({ level, facts }))).toEqual([
      { level: 'warn', facts: { onCallSource: 'payments', error: 'answered 503' } },
      { level: 'warn', facts: { onCallSource: 'payments', error: 'answered 401' } },
      { level: 'info', facts: { onCallSource: 'payments' } },
    ]);
    expect(onCall.states([server.source()])[0]!.lastError).toBeNull();
  });

  it('is told of as it is defined, and not before it was asked', async () => {
    const { ask, onCall } = lab();
    await ask(server.source());
    expect(onCall.states([])).toEqual([]);
    expect(onCall.states([server.source({ name: 'other' })])).toEqual([]);
    expect(onCall.states([server.source({ match: 'subject' })])).toEqual([]);
  });
});

const MANY_TIMES_TOO_LARGE = gzipSync(`["robin@example.com"${' '.repeat(50_000_000)}]`);

/** Writes `piece` again and again, as fast as it is taken. */
function pour(response: ServerResponse, piece: string): void {
  response.on('error', () => undefined);
  const more = (): void => {
    while (response.write(piece));
    response.once('drain', more);
  };
  more();
}

describe('an answer that is', () => {
  const faults: [string, Answer, string][] = [
    ['refused', status(401), 'answered 401'],
    ['a failure', status(500), 'answered 500'],
    ['empty, though all is well', status(204), 'answered 204'],
    ['a redirect', status(302, { location: '/elsewhere' }), 'answered 302'],
    ['a lasting redirect', status(308, { location: '/elsewhere' }), 'answered 308'],
    ['a page', (_, response) => response.end('<html>'), 'did not answer with a JSON document'],
    ['nothing', (_, response) => response.end(), 'did not answer with a JSON document'],
    [
      'half of one',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('["robin@example.com"');
        setImmediate(() => response.destroy());
      },
      'did not answer with a JSON document',
    ],
    [
      'without end',
      (_, response) => pour(response, ' '.repeat(65_536)),
      'answered with more than 1048576 bytes',
    ],
    [
      'a byte too large',
      (_, response) => response.end(`["robin@example.com"${' '.repeat(1_048_556)}]`),
      'answered with more than 1048576 bytes',
    ],
    [
      'too large once it is unpacked',
      (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(MANY_TIMES_TOO_LARGE);
      },
      'answered with more than 1048576 bytes',
    ],
    ['of another shape', json({ a: ['robin@example.com'] }), 'has no list where the pointer leads'],
    ['cut off at once', (request) => request.destroy(), 'does not answer'],
  ];
  it.each(faults)('%s tells nothing, in time, and says why', async (_what, fault, words) => {
    server.answer = fault;
    const { ask, onCall } = lab();
    const source = server.source({ secret: 'pagerduty' });
    const asking = async () => expect(await ask(source)).toBe('unknown');
    expect(await tookMs(asking)).toBeLessThan(4_000);
    expect(server.asked).toHaveLength(1);
    expect(onCall.states([source])[0]!.lastError).toBe(words);
  });

  it('of exactly the size that is accepted is read', async () => {
    server.answer = (_, response) => response.end(`["robin@example.com"${' '.repeat(1_048_555)}]`);
    expect(await lab().ask(server.source())).toBe(true);
  });

  it.each([
    ['silence', () => undefined, 'does not answer in time'],
    [
      'a drip that never ends',
      (_, response) => {
        response.write('[');
        const drip = setInterval(() => response.write(' '), 50);
        response.once('close', () => clearInterval(drip));
      },
      'did not finish its answer in time',
    ],
  ] as [string, Answer, string][])('%s is given up in time', async (_what, fault, words) => {
    server.answer = fault;
    const { ask, onCall } = lab();
    const startedAt = performance.now();
    const source = server.source({ timeoutSeconds: 1 });
    const asking = async () =>
      expect(await Promise.all([ask(source), ask(source)])).toEqual(['unknown', 'unknown']);
    expect(await tookMs(asking)).toBeLessThan(4_000);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(onCall.states([source])[0]!.lastError).toBe(words);
    expect(server.asked).toHaveLength(1);
  });

  it('one slow page after the other has one time limit for all', async () => {
    server.answer = (request, response) => {
      const oncalls = [{ user: { email: 'robin@example.com' }, start: null, end: null }];
      const later = setTimeout(() => json({ oncalls, more: true })(request, response), 300);
      response.once('close', () => clearTimeout(later));
    };
    const source = server.source({ shape: { kind: 'pagerduty' }, timeoutSeconds: 1 });
    const asking = async () => expect(await lab().ask(source)).toBe('unknown');
    expect(await tookMs(asking)).toBeLessThan(3_000);
  });
});

describe('a secret', () => {
  it('that the configuration does not have makes all unknown, and nobody is asked', async () => {
    const { ask, onCall } = lab({});
    const source = server.source({ secret: 'pagerduty' });
    expect(await ask(source)).toBe('unknown');
    expect(server.asked).toEqual([]);
    expect(onCall.states([source])[0]!.lastError).toBe(
      'needs a secret that the configuration does not have',
    );
    const sources = [server.source({ name: 'open' }), source];
    expect(onCall.missingSecrets(sources)).toEqual([{ source: 'payments', secret: 'pagerduty' }]);
    expect(lab().onCall.missingSecrets(sources)).toEqual([]);
  });

  it('is not sent to a host that the configuration does not name, wherever a policy points', async () => {
    const { ask, onCall } = lab({ pagerduty: TOKEN }, ['api.pagerduty.com']);
    const source = server.source({ secret: 'pagerduty' });
    expect(await ask(source)).toBe('unknown');
    expect(server.asked).toEqual([]);
    expect(onCall.missingSecrets([source])).toEqual([{ source: 'payments', secret: 'pagerduty' }]);
  });

  it.each([
    ['answers 401', TOKEN, status(401)],
    ['sends it back', TOKEN, (request, response) => response.end(request.headers.authorization)],
    ['sends it elsewhere', TOKEN, status(302, { location: `/${TOKEN}` })],
    ['never sees it, for no header can carry it', `${TOKEN}\nX: y`, json([])],
  ] as [string, string, Answer][])('is told to nobody by a source that %s', async (...row) => {
    const [, secret, answer] = row;
    server.answer = answer;
    const { ask, onCall, journal } = lab({ pagerduty: secret });
    const source = server.source({ secret: 'pagerduty' });
    expect(await ask(source)).toBe('unknown');
    const told = JSON.stringify([onCall.states([source]), journal.lines]);
    expect(told).toContain('payments');
    expect(told).not.toContain(TOKEN);
    expect(told).not.toContain(server.url);
    for (const { url } of server.asked) expect(url.href).not.toContain(TOKEN);
  });
});

describe('an address', () => {
  it('that others could listen to is not asked', async () => {
    // the same server by an address that is not a loopback one: it would answer
    const url = server.url.replace('127.0.0.1', '0.0.0.0');
    expect(await lab().ask(server.source({ url }))).toBe('unknown');
    expect(server.asked).toEqual([]);
  });
});
