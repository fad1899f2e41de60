import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Problem } from '../domain/problem.js';
import { isProblem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import { AskGate } from './ask-gate.js';
import { RateLimiter } from './rate.limiter.js';

const RATES = { person: 3, address: 5, all: 8 };
let nowMs = 0;
const now = (): number => nowMs;

function caller(sub: string, address?: string): Caller {
  const person = { iss: 'https://idp.example.com', sub, groups: [] };
  const where = address === undefined ? {} : { address };
  return { actor: { kind: 'person', person, signIn: {}, channel: 'api', ...where }, roles: [] };
}

/** Asks and is done; what came of it. */
function ask(gate: AskGate, who: Caller, cluster = 'one'): 'in' | Problem {
  const place = gate.enter(who, cluster);
  if (isProblem(place)) return place;
  place[Symbol.dispose]();
  return 'in';
}

const times = (count: number, work: () => 'in' | Problem) =>
  Array.from({ length: count }, work).map((it) => (it === 'in' ? it : it.problem));

describe('asking', () => {
  test('more often than a person may is refused, with the time after which they may again', () => {
    const gate = new AskGate(RATES, undefined, now);
    const robin = caller('robin');
    expect(times(4, () => ask(gate, robin))).toEqual(['in', 'in', 'in', 'too-many-requests']);
    expect(ask(gate, robin)).toMatchObject({ retryAfterSeconds: 20 });
    expect(ask(gate, caller('alex'))).toBe('in');
    nowMs += 20_000;
    expect(times(2, () => ask(gate, robin))).toEqual(['in', 'too-many-requests']);
  });

  test('by many people from one address is bounded, and by many addresses too', () => {
    const gate = new AskGate(RATES, undefined, now);
    let people = 0;
    const somebody = (address: string) => ask(gate, caller(`${people++}`, address));
    expect(times(6, () => somebody('192.0.2.1')).filter((it) => it === 'in')).toHaveLength(5);
    let hosts = 0;
    const anywhere = times(6, () => somebody(`192.0.2.${100 + hosts++}`));
    expect(anywhere.filter((it) => it === 'in')).toHaveLength(3);
  });

  test('from one /64 of IPv6 is bounded as from one address of IPv4', () => {
    const gate = new AskGate(RATES, undefined, now);
    let hosts = 0;
    const next = (network: string) => ask(gate, caller(`${hosts++}`, `${network}::${hosts}`));
    expect(times(6, () => next('2001:db8:0:1')).filter((it) => it === 'in')).toHaveLength(5);
    expect(next('2001:db8:0:2')).toBe('in');
  });

  test('of a cluster that keeps its askers waiting holds up nobody who asks of another', () => {
    const many = { person: 1_000, address: 1_000, all: 1_000 };
    const gate = new AskGate(many, undefined, now);
    const places = Array.from({ length: 51 }, () => gate.enter(caller('robin'), 'slow'));
    expect(places.map(isProblem).indexOf(true)).toBe(50);
    expect(places.at(-1)).toMatchObject({
      problem: 'too-busy',
      detail: expect.stringContaining('Cluster "slow" takes long to answer'),
      retryAfterSeconds: 5,
    });
    expect(ask(gate, caller('robin'), 'quick')).toBe('in');
    const [first] = places;
    if (first && !isProblem(first)) first[Symbol.dispose]();
    expect(ask(gate, caller('robin'), 'slow')).toBe('in');
  });

  test('of several such clusters together leaves some places to every other', () => {
    const many = { person: 1_000, address: 1_000, all: 1_000 };
    const gate = new AskGate(many, undefined, now);
    for (const cluster of ['a', 'b', 'c', 'd']) {
      for (let turn = 0; turn < 50; turn++) gate.enter(caller('robin'), cluster);
    }
    const places = Array.from({ length: 6 }, () => gate.enter(caller('robin'), 'quick'));
    expect(places.map(isProblem).indexOf(true)).toBe(5);
    expect(gate.enter(caller('robin'), 'other')).not.toHaveProperty('problem');
  });

  test('is refused while there is more to do than can be done, and counts for nothing then', () => {
    let pressure: string | undefined = 'too much waits for the database';
    const gate = new AskGate(RATES, () => pressure, now);
    const refused = times(10, () => ask(gate, caller('robin')));
    expect(new Set(refused)).toEqual(new Set(['too-busy']));
    pressure = undefined;
    expect(ask(gate, caller('robin'))).toBe('in');
  });
});

test('a limiter keeps no more keys than it may, whoever asks, and never lets more through in a window than twice its quota', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 500 })), {
        maxLength: 200,
      }),
      (asks) => {
        let atMs = 0;
        const parts = { name: 'person', quota: 5, windowMs: 1_000, nowMs: () => atMs };
        const limiter = new RateLimiter({ ...parts, keysMax: 40 });
        const small = new RateLimiter({ ...parts, keysMax: 7 });
        const taken = new Map<number, number[]>();
        for (const [key, afterMs] of asks) {
          atMs += afterMs;
          small.take(`${key}`);
          expect(small.size).toBeLessThanOrEqual(7);
          if (limiter.waitMs(`${key}`) > 0) continue;
          limiter.take(`${key}`);
          const before = (taken.get(key) ?? []).filter((it) => it > atMs - 1_000);
          taken.set(key, [...before, atMs]);
          expect(before.length + 1).toBeLessThanOrEqual(10);
        }
      },
    ),
  );
});
