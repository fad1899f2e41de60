import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { LARGEST_FACTS } from '../../../test/support/policy.facts.js';
import { evaluate, refuseUnseen } from '../../domain/policy/evaluate.js';
import { explain } from '../../domain/policy/explain.js';
import { TOO_MUCH_TOGETHER } from '../../domain/policy/inquiry.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import type { PolicyErrors } from './policy.documents.js';
import { isPolicyErrors, readDocumentsInSteps, readPolicyDocuments } from './policy.documents.js';

const POLICY = `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: oncall }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: ['shop-*'] }
  terms: { longest: 30m }
`;

const PROFILE = `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'tools:1', allowTag: true, debugProfile: general }
`;

function errorsOf(text: string): readonly string[] {
  const set = readPolicyDocuments([{ name: '0.yaml', text }]);
  if (!isPolicyErrors(set)) throw new Error('there is nothing wrong with them');
  return set.policyErrors;
}

/** What the text means, and how long the longest step to it took. */
function inSteps(text: string): { value: PolicySet | PolicyErrors; longestMs: number } {
  const steps = readDocumentsInSteps([{ name: '0.yaml', text }], true);
  for (let longestMs = 0; ;) {
    const began = computedMs();
    const { value, done } = steps.next();
    longestMs = Math.max(longestMs, computedMs() - began);
    if (done === true) return { value, longestMs };
  }
}

/** As a YAML list: `name0`, `name1`, … */
function listOf(count: number, name: string): string {
  return `[${Array.from({ length: count }, (_, n) => `${name}${n}`).join(', ')}]`;
}

/** Approver sets `s0`, `s1`, …, of different people each. */
function setsOf(count: number, users: number): string {
  return Array.from(
    { length: count },
    (_, n) => `apiVersion: hallpass/v1
kind: ApproverSet
metadata: { name: s${n} }
spec: { users: ${listOf(users, `u${n}x`)} }
`,
  ).join('---\n');
}

/** Ten thousand policies; `change` gives each its own mistake. */
function tenThousand(change: (policy: string, at: number) => string): string {
  return Array.from({ length: 10_000 }, (_, at) =>
    change(POLICY.replace('oncall', `p${at}`), at),
  ).join('---\n');
}

/** As long as the longest name, and near to all others of them. */
function long(at: number): string {
  return `x${String(at).padStart(5, '0')}`.padEnd(63, 'y');
}

describe('ten thousand documents', () => {
  test('are loaded, and one more is refused with the number that is allowed', () => {
    const text = tenThousand((policy) => policy);
    expect(readPolicyDocuments([{ name: '0.yaml', text }])).toHaveProperty('hash');
    const set = readPolicyDocuments([
      { name: '0.yaml', text },
      { name: '1.yaml', text: PROFILE },
    ]);
    expect(set).toEqual({
      policyErrors: ['1.yaml:1:1: there may be 10000 documents at most'],
    });
  });

  test.each<[string, (policy: string, at: number) => string]>([
    ['an unknown key', (policy) => policy.replace('effect', 'efect')],
    ['an unknown profile', (policy, at) => policy.replace("'] }", `'], profiles: [q${at}] }`)],
    [
      'an unknown profile, near to ten thousand others',
      (policy, at) =>
        at % 2 === 0
          ? PROFILE.replace('shell', long(at))
          : policy.replace("'] }", `'], profiles: [${long(at)}] }`),
    ],
    [
      'an unknown on-call source, near to ten thousand others',
      (policy, at) =>
        at % 2 === 0
          ? `apiVersion: hallpass/v1\nkind: OnCallSource\nmetadata: { name: ${long(at)} }\nspec: { url: 'https://x.example.com', shape: generic }\n`
          : `${policy}  when: onCall['${long(at)}']\n`,
    ],
    ['an expression with an error', (policy) => `${policy}  when: target.restart > 0\n`],
    [
      'an expression that is too dear',
      (policy) =>
        `${policy}  when: requester.groups.all(a, target.containers.all(b, requester.groups.all(c, a == c)))\n`,
    ],
    ['a pattern with an error', (policy) => policy.replace('30m', "30m, ticket: { pattern: '(' }")],
    ['the same name', () => POLICY],
    ['no kind', () => '{}\n'],
  ])(
    'each with %s are refused within bounded time, the first thousand errors told',
    (_, change) => {
      const text = tenThousand(change);
      const began = performance.now();
      const errors = errorsOf(text);
      expect(performance.now() - began).toBeLessThan(25_000);
      expect(errors).toHaveLength(1_000);
    },
  );
});

describe('a decision by rules that are each as dear as is let in', () => {
  const condition = (when: string): string => `terms: { longest: 1h }\n  when: ${when}`;
  const DEAR = {
    'loops in conditions': condition("requester.groups.exists(a, (a + 'x') in requester.groups)"),
    'loops in loops': condition(
      "target.labels.exists(a, requester.amr.exists(b, a == b + 'x' || b == a + 'x'))",
    ),
    'patterns in conditions': condition(
      "requester.groups.exists(g, g.matches('(x|y)*x(x|y){200}z'))",
    ),
    'patterns of terms': "terms: { longest: 1h, reason: { pattern: '(x|y)*x(x|y){50}z' } }",
  };
  const request = { ...LARGEST_FACTS.request, reason: 'xyxyyxxx'.repeat(250) };
  const seen = { ...LARGEST_FACTS, request };
  const unseen = { ...seen, target: { ...seen.target, found: null } };
  const setOf = (rules: number, dear: string): PolicySet => {
    const policy = (at: number): string => `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: p${at} }
spec:
  effect: allow
  match: { groups: ['*'], namespaces: ['*'] }
  ${dear}
`;
    const text = [PROFILE, ...Array.from({ length: rules }, (_, at) => policy(at))].join('---\n');
    const set = readPolicyDocuments([{ name: '0.yaml', text }]);
    if (isPolicyErrors(set)) throw new Error(set.policyErrors[0]);
    return set;
  };

  describe.each(Object.entries(DEAR))('%s:', (_, dear) => {
    test.each([20, 500])(
      '%i of them keep out, and hold up the broker for a moment at most',
      (n) => {
        const set = setOf(n, dear);
        for (const decide of [evaluate, explain, refuseUnseen]) {
          const facts = { ...(decide === refuseUnseen ? unseen : seen) };
          const began = computedMs();
          const decided = decide(set, facts);
          // A fortieth of a second is promised; what else the machine does meanwhile does not count.
          expect(computedMs() - began, decide.name).toBeLessThan(500);
          expect(JSON.stringify(decided) ?? '', decide.name).not.toContain('"verdict":"grant"');
          if (decide === explain) expect(JSON.stringify(decided)).toContain(TOO_MUCH_TOGETHER);
        }
      },
    );
  });
});

describe('hostile lists are refused in bounded time', () => {
  const list = (item: string): string => `[${`${item}, `.repeat(100_000)}]`;
  test.each([
    ['groups', POLICY.replace('[oncall]', list('a'))],
    ['namespaces that are none', POLICY.replace("['shop-*']", list('A!'))],
    ['workloads', POLICY.replace("'] }", `'], workloads: ${list('{}')} }`)],
    [
      'labels',
      POLICY.replace(
        "'] }",
        `'], namespaceSelector: { matchLabels: { ${Array.from({ length: 50_000 }, (_, at) => `k${at}: v, `).join('')} } } }`,
      ),
    ],
    ['requirements', POLICY.replace('30m', `30m, approvals: { require: ${list('{}')} }`)],
    [
      'unknown keys',
      POLICY.replace(
        '30m',
        `30m, ${Array.from({ length: 50_000 }, (_, at) => `longestt${at}: 1, `).join('')}`,
      ),
    ],
    [
      'time zones in many spellings',
      POLICY.replace("'] }", `'], times: ${list("{ timeZone: '+01:0' }")} }`),
    ],
  ])('of %s', (_, text) => {
    const began = performance.now();
    const errors = errorsOf(text);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(1_000);
  });
});

describe('hostile YAML is refused in bounded time', () => {
  const BYTES = 512 * 1024;
  const filled = (text: string): string => text.repeat(Math.floor(BYTES / text.length));
  const laughs = ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, n) => bomb(n + 1))].join('\n');
  function bomb(n: number): string {
    return `a${n}: &a${n} [${Array.from({ length: 9 }, () => `*a${n - 1}`).join(', ')}]`;
  }

  test.each([
    ['a billion laughs', laughs],
    ['anchors without end', filled('- &a x\n')],
    ['an alias to itself', 'a: &a [*a]'],
    ['half a megabyte of one text', `kind: ${'x'.repeat(BYTES)}`],
    ['half a megabyte of quoted text', `kind: "${'\\n'.repeat(BYTES / 2)}"`],
    ['half a megabyte of one key', `${'k'.repeat(BYTES)}: 1`],
    ['very many keys', Array.from({ length: 40_000 }, (_, n) => `k${n}: 1\n`).join('')],
    ['the same key very often', filled('k: 1\n')],
    ['very deep lists', filled('[')],
    ['very deep lists that close', `${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['very deep blocks', Array.from({ length: 700 }, (_, n) => `${' '.repeat(n)}a:\n`).join('')],
    ['very many documents', filled('---\n{}\n')],
    ['tabs for indentation', 'spec:\n\teffect: allow\n'],
    ['a prototype name', '__proto__: { kind: AccessPolicy }\n'],
    ['a prototype name inside', POLICY.replace('effect', '__proto__: {}\n  effect')],
    ['a constructor', POLICY.replace('effect', 'constructor: {}\n  effect')],
    ['a merge key', `a: &a {x: 1}\nb:\n  <<: *a\n`],
    ['a merge key without an alias', POLICY.replace('effect', '<<: {effect: deny}\n  effect')],
    ['a key twice', POLICY.replace('effect', 'effect: deny\n  effect')],
    ['a tag of JavaScript', 'a: !!js/function "function () {}"'],
    ['a binary', 'kind: !!binary aGVsbG8='],
    ['YAML 1.1', `%YAML 1.1\n---\n${POLICY}`],
    ['a key that is no text', `{[a]: 1}`],
    ['NUL characters', filled('\0')],
  ])('%s', (_, text) => {
    const began = performance.now();
    const errors = errorsOf(text);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(Math.max(...errors.map((error) => error.length))).toBeLessThan(500);
    expect(({} as Record<string, unknown>)['kind']).toBeUndefined();
  });

  test.each([
    ['signs', `a: [${','.repeat(BYTES)}]`],
    ['keys', filled('k: 1\n')],
    ['lists in lists', filled('[')],
    ['quotes', `a: [${filled('""')}]`],
    ['line ends', `a:${filled('\n')} 1`],
    ['texts that look like the beginning of a document', filled('- ---\n')],
  ])('a document of very many %s is refused before it is put together', (_, text) => {
    const { value, longestMs } = inSteps(text);
    expect(value).toEqual({
      policyErrors: [expect.stringContaining('may have 10000 parts at most')],
    });
    // A few milliseconds where nothing else runs; seconds, if the document were put together.
    expect(longestMs).toBeLessThan(300);
  });

  test.each<[string, (policies: (require: (at: number) => string) => string) => string]>([
    [
      'hundreds of sets of hundreds, all of them in each requirement',
      (policies) => {
        const all = listOf(200, 's');
        return `${policies(() => all)}${setsOf(200, 200)}`;
      },
    ],
    [
      'one set hundreds of times in each requirement',
      (policies) => `${policies(() => `[${'s0,'.repeat(199)}s0]`)}${setsOf(1, 200)}`,
    ],
    [
      'different sets in each requirement',
      (policies) => `${policies((at) => `[s${at % 200}, s${(at * 7) % 199}]`)}${setsOf(200, 200)}`,
    ],
  ])('approver sets that multiply hold up nobody: %s', (_, textOf) => {
    const requirement = (approvers: string): string => `{ approvers: ${approvers} }`;
    const text = textOf((approversOf) =>
      Array.from({ length: 70 }, (__, policy) => {
        const require = Array.from({ length: 10 }, (___, at) =>
          requirement(approversOf(policy * 10 + at)),
        );
        return `${POLICY.replace('oncall', `p${policy}`).replace(
          'longest: 30m',
          `longest: 30m, approvals: { require: [${require.join(', ')}] }`,
        )}---\n`;
      }).join(''),
    );
    const { longestMs } = inSteps(text);
    // A few milliseconds where nothing else runs; seconds, if each place were put together for itself.
    expect(longestMs).toBeLessThan(300);
  });

  test('approver sets of more than a thousand are refused where they are named', () => {
    const policy = POLICY.replace(
      'longest: 30m',
      'longest: 30m, approvals: { require: [{ approvers: [s0, s1, s2, s3, s4, s5] }] }',
    );
    expect(errorsOf(`${policy}---\n${setsOf(6, 200)}`)).toEqual([
      '0.yaml:7:62: spec.terms.approvals.require[0].approvers: names approver sets with 1200 groups and users: 1000 at most; name a group that they are all in',
    ]);
  });

  test('a rule with hundreds of groups and users is short enough', () => {
    const names = (count: number, name: string): string =>
      `[${Array.from({ length: count }, (_, n) => `'${name}${n}'`).join(', ')}]`;
    const text = POLICY.replace('[oncall]', names(200, 'g')).replace(
      "'] }",
      `'], users: ${names(200, 'u')}, clusters: ${names(50, 'c')} }`,
    );
    expect(
      readPolicyDocuments([{ name: '0.yaml', text: `${text}---\n${PROFILE}` }]),
    ).toHaveProperty('hash');
  });

  test('whatever the text, there is a set or there are errors, and nothing is thrown', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        ':',
        ' ',
        '\n',
        '-',
        '?',
        '[',
        ']',
        '{',
        '}',
        '"',
        "'",
        '&',
        '*',
        '!',
        '|',
        '>',
        '%',
      ],
      ...[
        '---\n',
        '#',
        ',',
        '<<: ',
        '__proto__: ',
        '\t',
        '\\',
        '\u{202e}',
        'kind: ',
        POLICY,
        PROFILE,
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const set = readPolicyDocuments([{ name: 'x.yaml', text: pieces.join('') }]);
        expect(isPolicyErrors(set) || /^[0-9a-f]{64}$/.test(set.hash)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
