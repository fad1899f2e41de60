import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FACTS, FACTS_BEFORE, FOUND } from '../../../test/support/policy.facts.js';
import type { Truth } from '../../domain/policy/condition.js';
import type { Facts } from '../../domain/policy/facts.js';
import { Inquiry } from '../../domain/policy/inquiry.js';
import { compileCondition } from './cel.condition.js';

const KNOWN = { onCallSources: new Set(['payments', 'network', 'silent']) };

function compiled(source: string) {
  const condition = compileCondition(source, KNOWN);
  if ('errors' in condition) throw new Error(JSON.stringify(condition.errors));
  return condition;
}

function truth(source: string, facts: Facts = FACTS): Truth {
  return new Inquiry(facts).test(compiled(source)).truth;
}

function errorsIn(source: string): string[] {
  const condition = compileCondition(source, KNOWN);
  return 'errors' in condition
    ? condition.errors.map(({ offset, message }) => `${offset}: ${message}`)
    : [];
}

describe('a condition', () => {
  test.each([
    "onCall['payments'] && target.restarts > 0",
    '!onCall.network',
    "requester.groups.exists(g, g.endsWith('-oncall'))",
    "'otp' in requester.amr && requester.claims.department == target.labels.team",
    "requester.authAge < duration('10m')",
    "target.annotations['example.com/owner'] == 'payments'",
    "target.owner.kind == 'Deployment' && target.owner.name == 'checkout'",
    "target.containers.all(c, c.image.startsWith('registry.example.com/'))",
    "request.ticket.matches('^INC-[0-9]+$') && request.reason.matches('pool')",
    'request.seconds <= 900 && history.mine.lastDay < 3',
    "history.overdueReviews.byTeam['payments'] == 1",
    "history.overdueReviews.byTeam['security'] == 0",
    "now.getHours('Europe/Berlin') == 12 && now.getHours() == 11",
    "now.getDayOfWeek('Asia/Tokyo') == 4 && now.getDate('Europe/Berlin') == 15",
    "now > timestamp('2026-01-01T00:00:00+01:00')",
    "now.getFullYear() == 2026 && now.getMonth('UTC') == 0 && now.getDayOfMonth('UTC') == 14",
    'requester.groups.map(g, g.size()).exists(n, n > 10)',
    "(request.channel == 'cli' ? 1 : 2) == 1",
  ])('says yes where it holds: %s', (source) => {
    expect(new Inquiry(FACTS).test(compiled(source))).toEqual({ truth: 'yes' });
  });

  test('tells which facts and which on-call sources it looks at', () => {
    const condition = compiled("onCall['payments'] || onCall.silent || target.labels.team == 'x'");
    expect([...condition.uses]).toEqual(['onCall', 'target']);
    expect([...condition.onCallSources]).toEqual(['payments', 'silent']);
    expect(condition.source).toContain('onCall.silent');
  });

  test('gives the same answers whatever was asked of it before', () => {
    const condition = compiled(
      "target.containers.exists(c, c.restarts > 2) && target.labels.team == 'payments'",
    );
    const moved = { ...FOUND, labels: { team: 'other' } };
    const other: Facts = { ...FACTS, target: { ...FACTS.target, found: moved } };
    const asked = [FACTS, FACTS_BEFORE, other, FACTS].map(
      (it) => new Inquiry(it).test(condition).truth,
    );
    expect(asked).toEqual(['yes', 'unknown', 'no', 'yes']);
  });
});

describe('a condition is unknown, and says why,', () => {
  test.each([
    ["target.pod == 'x'", 'the cluster has not been asked about the target'],
    ['has(target.labels.team)', 'the cluster has not been asked about the target'],
    ["'team' in target.labels", 'the cluster has not been asked about the target'],
    ['!target.ready', 'the cluster has not been asked about the target'],
    ['target.containers.all(c, c.ready)', 'the cluster has not been asked about the target'],
  ])('before the cluster was asked: %s', (source, why) => {
    expect(new Inquiry(FACTS_BEFORE).test(compiled(source))).toEqual({ truth: 'unknown', why });
  });

  test.each([
    ["target.labels['tier'] == 'prod'", "target.labels['tier'] is not there"],
    ["target.labels.tier == 'prod'", 'target.labels.tier is not there'],
    ["onCall['silent']", 'the on-call source "silent" did not answer'],
    ['!onCall.silent', 'the on-call source "silent" did not answer'],
    ["requester.groups[7] == 'x'", 'requester.groups[7] failed (index out of bounds)'],
    ['request.seconds / (request.seconds - 900) == 1', 'failed (division by zero)'],
  ])('where the facts do not say: %s', (source, why) => {
    const outcome = new Inquiry(FACTS).test(compiled(source));
    expect(outcome.truth).toBe('unknown');
    expect(outcome.why).toContain(why);
  });

  test('where somebody has no e-mail that a source could know them by, and says that too', () => {
    const facts: Facts = { ...FACTS, requester: { ...FACTS.requester, email: '' } };
    for (const source of ['onCall.silent', '!onCall.silent']) {
      expect(new Inquiry(facts).test(compiled(source))).toEqual({
        truth: 'unknown',
        why: 'the on-call source "silent" did not answer, or goes by e-mail, and the token has none that is verified',
      });
    }
  });

  test('where the token does not say when they signed in, which can be asked', () => {
    const facts: Facts = { ...FACTS, requester: { ...FACTS.requester, authAgeSeconds: null } };
    expect(truth("requester.authAge < duration('1h')", facts)).toBe('unknown');
    expect(truth('has(requester.authAge)', facts)).toBe('no');
    expect(truth('has(requester.authAge)')).toBe('yes');
  });

  test('where facts are larger than was reckoned with, and only where it looks at them', () => {
    const groups = Array.from({ length: 501 }, (_, index) => `group-${index}`);
    const facts: Facts = { ...FACTS, requester: { ...FACTS.requester, groups } };
    expect(new Inquiry(facts).test(compiled("'group-1' in requester.groups"))).toEqual({
      truth: 'unknown',
      why: '"groups" is larger than expressions may look at',
    });
    expect(truth("requester.subject == 'robin'", facts)).toBe('yes');
  });

  test('where labels or annotations cannot be told, whatever is asked of them', () => {
    const found = { ...FOUND, namespaceLabels: null, annotations: null };
    const facts: Facts = { ...FACTS, target: { ...FACTS.target, found } };
    for (const source of [
      "target.namespaceLabels.tier == 'prod'",
      "!('tier' in target.namespaceLabels)",
      '!has(target.annotations.owner)',
      'target.annotations.size() == 0',
    ]) {
      expect({ source, ...new Inquiry(facts).test(compiled(source)) }).toEqual({
        source,
        truth: 'unknown',
        why: 'the labels or annotations of the target cannot be read, or are too large',
      });
    }
    expect(truth("target.labels.team == 'payments'", facts)).toBe('yes');
  });

  test('but no fact is shown by the reason', () => {
    const { why } = new Inquiry(FACTS).test(compiled("target.labels[request.reason] == 'x'"));
    expect(why).toBe('target.labels[request.reason] is not there');
  });
});

describe('what is not known does not matter', () => {
  test.each([
    ["target.pod == 'x' || true", 'yes'],
    ["true || target.pod == 'x'", 'yes'],
    ["target.pod == 'x' && false", 'no'],
    ["target.cluster == 'prod' || target.ready", 'yes'],
    ["requester.groups.exists(g, target.pod == g || g == 'everyone')", 'yes'],
    ["requester.groups.all(g, target.pod == g && g == 'everyone')", 'no'],
    ['target.ready ? true : true', 'unknown'],
  ] as const)('where the rest decides: %s', (source, expected) => {
    expect(truth(source, FACTS_BEFORE)).toBe(expected);
  });

  type Formula = { readonly source: string; readonly truth: Truth };
  const NOT: Record<Truth, Truth> = { yes: 'no', no: 'yes', unknown: 'unknown' };
  const and = (a: Truth, b: Truth): Truth =>
    a === 'no' || b === 'no' ? 'no' : a === 'yes' && b === 'yes' ? 'yes' : 'unknown';
  const or = (a: Truth, b: Truth): Truth => NOT[and(NOT[a], NOT[b])];
  const { formula } = fc.letrec<{ formula: Formula }>((tie) => ({
    formula: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Formula>(
        { source: "target.cluster == 'prod'", truth: 'yes' },
        { source: "onCall['network']", truth: 'no' },
        { source: 'target.ready', truth: 'unknown' },
        { source: "requester.claims['none'] == 'x'", truth: 'unknown' },
        { source: 'onCall.silent', truth: 'unknown' },
      ),
      tie('formula').map((it) => ({ source: `!(${it.source})`, truth: NOT[it.truth] })),
      fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => ({
        source: `(${a.source}) && (${b.source})`,
        truth: and(a.truth, b.truth),
      })),
      fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => ({
        source: `(${a.source}) || (${b.source})`,
        truth: or(a.truth, b.truth),
      })),
      fc.tuple(tie('formula'), tie('formula'), tie('formula')).map(([a, b, c]) => ({
        source: `(${a.source}) ? (${b.source}) : (${c.source})`,
        truth: a.truth === 'unknown' ? a.truth : a.truth === 'yes' ? b.truth : c.truth,
      })),
    ),
  }));

  test('by the three-valued logic of Kleene, whichever side it stands on', () => {
    fc.assert(
      fc.property(formula, ({ source, truth: expected }) => {
        const condition = compileCondition(source, KNOWN);
        fc.pre(!('errors' in condition));
        expect(new Inquiry(FACTS_BEFORE).test(condition).truth).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('errors are found when documents are loaded:', () => {
  test.each([
    ['requestr.email == ""', '0: there is no fact "requestr": is "requester" meant?'],
    ['target.owner.knd == "x"', '13: there is no fact "knd": is "kind" meant?'],
    ['target.containers.exists(c, c.imag == "")', '30: there is no fact "imag": is "image" meant?'],
    ["onCall['paymens']", '7: there is no on-call source "paymens": is "payments" meant?'],
    ['onCall.nobody', '7: there is no on-call source "nobody": there is payments, network, silent'],
    ['onCall[request.ticket]', '7: the name of an on-call source must be written as a text'],
    ['onCall.size() > 0', "0: onCall must be asked for one source: onCall['name']"],
    ['has(onCall.payments)', "4: onCall must be asked for one source: onCall['name']"],
    ["'silent' in onCall", "12: onCall must be asked for one source: onCall['name']"],
    ["request.seconds == '15m'", '0: no such overload: int == string'],
    ['request.seconds', '0: must be true or false, but is of type int'],
    [
      "requester.email.startWith('r')",
      '16: there is no function "startWith": is "startsWith" meant?',
    ],
    ['requester.email.startsWith()', '16: startsWith() does not take 0 arguments'],
    ["request.reason.matches('(?=a)')", '23: "(?=a)" is no pattern of RE2'],
    [
      'request.reason.matches(request.ticket)',
      '23: matches() takes a pattern that is written as a',
    ],
    ["requester.authAge < duration('1 hour')", '29: "1 hour" is no duration'],
    ["now > timestamp('tomorrow')", '16: "tomorrow" is no time'],
    ["now.getHours('Europe/Berln') > 9", '13: "Europe/Berln" is no time zone'],
    ["requester['email'] == ''", '10: its fields are read with a dot'],
    ['requester.groups.exists(target, true)', '24: "target" has a meaning already'],
    ['request.seconds >', '17: ends too early'],
    ['', '0: ends too early'],
    ["request.reason == 'a", '18: Unterminated string'],
  ])('%s', (source, error) => {
    expect(errorsIn(source)).toHaveLength(1);
    expect(errorsIn(source)[0]).toContain(error);
  });

  test('all wrong names at once, in the order of the text', () => {
    expect(errorsIn("targt.pod == '' || onCall.pay || requester.emai == naw")).toEqual([
      '0: there is no fact "targt": is "target" meant?',
      '26: there is no on-call source "pay": there is payments, network, silent',
      '43: there is no fact "emai": is "email" meant?',
      '51: there is no fact "naw": is "now" meant?',
    ]);
  });

  test('whatever is written, compiling tells where it is wrong and throws nothing', () => {
    const token = fc.constantFrom(
      ...[
        'target',
        '.',
        'labels',
        '[',
        ']',
        '(',
        ')',
        "'x'",
        '==',
        '&&',
        '||',
        '!',
        '-',
        '1',
        '1.5',
      ],
      ...[
        'requester',
        'groups',
        'exists',
        'all',
        'map',
        'has',
        ',',
        'g',
        '?',
        ':',
        '{',
        '}',
        'now',
      ],
      ...[
        'onCall',
        'payments',
        'in',
        '+',
        'matches',
        'duration',
        'null',
        'b"x"',
        '\\',
        '"',
        '__proto__',
      ],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 20 }), (tokens) => {
        const source = tokens.join(' ');
        const condition = compileCondition(source, KNOWN);
        if (!('errors' in condition)) {
          new Inquiry(FACTS).test(condition);
          return;
        }
        expect(condition.errors.length).toBeGreaterThan(0);
        for (const { offset } of condition.errors) {
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset).toBeLessThanOrEqual(source.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('names that every object of JavaScript has', () => {
  const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

  test.each(NAMES)('are in no map unless somebody put them there: %s', (name) => {
    expect(truth(`'${name}' in target.labels`)).toBe('no');
    expect(truth(`has(target.labels.${name})`)).toBe('no');
    expect(truth(`target.labels['${name}'] == 'x'`)).toBe('unknown');
    expect(truth(`target.labels.${name} == 'x'`)).toBe('unknown');
    expect(truth(`history.overdueReviews.byTeam['${name}'] == 0`)).toBe('yes');
    const labels: unknown = JSON.parse(`{"${name}": "x"}`);
    const facts: Facts = {
      ...FACTS,
      target: { ...FACTS.target, found: { ...FOUND, labels: labels as Record<string, string> } },
    };
    expect(truth(`'${name}' in target.labels && target.labels.${name} == 'x'`, facts)).toBe('yes');
  });

  test.each(NAMES)('are no facts, sources or functions: %s', (name) => {
    for (const source of [
      `target.${name} == 'x'`,
      `requester.groups.all(g, target.owner.${name} == g)`,
      `${name} == 'x'`,
      `onCall['${name}']`,
      `onCall.${name}`,
      `${name}(1) == 1`,
      `requester.email.${name}() == ''`,
    ]) {
      expect(errorsIn(source), source).not.toEqual([]);
    }
  });
});

test('how many sessions a target has is not known before the target is', () => {
  expect(truth('history.target.open == 0', FACTS)).toBe('yes');
  expect(truth('history.target.open == 0', FACTS_BEFORE)).toBe('unknown');
  expect(truth('history.mine.open == 0', FACTS_BEFORE)).toBe('yes');
});
