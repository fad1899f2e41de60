import { describe, expect, test } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { FACTS, FACTS_BEFORE, LARGEST_FACTS } from '../../../test/support/policy.facts.js';
import type { Facts } from '../../domain/policy/facts.js';
import { Inquiry, TOO_MUCH_TOGETHER } from '../../domain/policy/inquiry.js';
import { compileCondition } from './cel.condition.js';

const KNOWN = { onCallSources: new Set(['payments']) };
/** Four times what the limits promise: the machine may be slower, and does other things. */
const WORST_MILLISECONDS = 40;

function errorOf(source: string): string {
  const condition = compileCondition(source, KNOWN);
  return 'errors' in condition ? (condition.errors[0]?.message ?? '') : '';
}

const TWICE = (body: string): string => `requester.groups.all(g, requester.groups.all(h, ${body}))`;
const ACROSS = (body: string): string => `target.labels.all(g, requester.amr.all(h, ${body}))`;
const BLANKS = ' '.repeat(3_900);
const FEWER_BLANKS = ' '.repeat(400);

describe('an expression that could hold up the broker is refused, with the reason:', () => {
  const REFUSED = [
    ['true || '.repeat(500) + 'true', 'must be 4000 characters at most'],
    ['true' + '||true'.repeat(400), 'must have 500 parts at most'],
    ['!'.repeat(3_990) + 'true', 'must have 500 parts at most'],
    ['('.repeat(60) + 'true' + ')'.repeat(60), 'must not be nested deeper than 32'],
    ['['.repeat(60) + ']'.repeat(60) + '== []', 'must not be nested deeper than 32'],
    [TWICE('requester.groups.all(i, true)'), 'loops must not be nested deeper than 2'],
    [TWICE('g != h'), 'could take'],
    [TWICE("g == h + '-lead'"), 'look for one among many by "in"'],
    [`${BLANKS}requester.groups.all(g, target.labels[g] == 'x')`, 'could take'],
    ['target.annotations.all(k, !target.annotations[k].contains("b"))', 'could take'],
    [TWICE('!(h in requester.groups)'), 'could take'],
    [TWICE('g.contains(h)'), 'could take'],
    [TWICE('9223372036854775807 + 1 > 0'), 'could take'],
    [TWICE("target.labels[h] == 'x'"), 'could take'],
    ["requester.groups.map(g, requester.groups.join('')).join('').size() > 1", 'could take'],
    [`requester.groups.all(g, ${'requester.groups.join() + '.repeat(100)}'' != g)`, 'could take'],
    ['1'.repeat(3_000) + ' > 1', 'the number is larger than 64 bits'],
    ["{'a': 1} == {'a': 1}", 'maps cannot be written in expressions'],
    ["b'a' == b'a'", 'bytes and unsigned numbers are not offered'],
    ['cel.bind(x, requester.groups, x == x)', 'there is no function "bind"'],
    ['dyn(1) == 1', 'there is no function "dyn"'],
    ["request.reason.matches('(?:a?){400}a{400}')", 'is too large'],
    ["requester.authAge > duration('999999999h')", 'is longer than ten years'],
  ] as const;

  for (const [source, reason] of REFUSED) {
    test(titleOf(source), () => {
      expect(errorOf(source)).toContain(reason);
    });
  }
});

describe('the worst that is let in, over the largest facts, takes a few hundredths of a second at most:', () => {
  const ADMITTED = [
    ACROSS('g != h'),
    ACROSS("g != h + '-lead'"),
    ACROSS('true && true && true && true && true && true && true && true && true && true'),
    ACROSS('(h == g ? 1 : 2) > 0 && (h == g ? 1 : 2) > 0'),
    ACROSS('[1, 2, 3, 4, 5, 6, 7, 8].size() > 1'),
    ACROSS('1.0 * 2.0 > 1.0 && 1.0 * 2.0 > 1.0'),
    'requester.groups.map(g, requester.amr.map(h, g)).size() > 3',
    'requester.groups.exists_one(g, requester.amr.exists_one(h, true))',
    "requester.groups.all(g, !((g + 'z') in requester.groups))",
    "requester.groups.all(g, !(g in requester.amr.map(h, h + 'z')))",
    'target.containers.all(c, requester.amr.all(d, c.image != d))',
    "requester.groups.all(g, target.labels[g] == 'x')",
    `${FEWER_BLANKS}requester.groups.all(g, target.labels[g] == 'x')`,
    `${FEWER_BLANKS}requester.groups.all(g, requester.authAge > duration('1h'))`,
    "requester.groups.all(g, now.getHours('Europe/Berlin') > 1)",
    'target.labels.all(k, !target.labels[k].contains("b"))',
    'request.reason.split("").map(c, c + "a").join("").contains("b")',
    "requester.groups.all(g, !g.matches('(x|y)*x(x|y){200}z'))",
    "requester.groups.all(g, !g.matches('^(?:x?){150}x{150}z'))",
    "request.reason.matches('^(?:x?){200}x{200}z')",
  ];

  for (const source of ADMITTED) {
    test(titleOf(source), () => {
      for (const facts of [LARGEST_FACTS, { ...LARGEST_FACTS, target: FACTS_BEFORE.target }]) {
        expect(millisecondsOf(source, facts), source).toBeLessThan(WORST_MILLISECONDS);
      }
    });
  }

  test('and what matching it runs into is unknown rather than a guess', () => {
    const condition = compileCondition(
      "requester.groups.all(g, !g.matches('^(?:x?){150}x{150}z'))",
      KNOWN,
    );
    if ('errors' in condition) throw new Error('refused');
    expect(new Inquiry(LARGEST_FACTS).test(condition)).toEqual({
      truth: 'unknown',
      why: TOO_MUCH_TOGETHER,
    });
    expect(new Inquiry(FACTS).test(condition)).toEqual({ truth: 'yes' });
  });
});

function titleOf(source: string): string {
  const text = source.trim();
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The best of a few runs: what else the machine does is not to be blamed on the expression. */
function millisecondsOf(source: string, facts: Facts): number {
  const condition = compileCondition(source, KNOWN);
  if ('errors' in condition) throw new Error(JSON.stringify(condition.errors));
  const runs = [1, 2, 3].map(() => {
    // A copy, so that turning facts into the engine's values counts as well.
    const copy = { ...facts };
    const begun = computedMs();
    new Inquiry(copy).test(condition);
    return computedMs() - begun;
  });
  return Math.min(...runs);
}
