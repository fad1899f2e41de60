import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SECURITY_CONTEXTS } from '../../domain/policy/debug-profiles.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import { isPolicyErrors, readPolicyDocuments } from './policy.documents.js';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

const PROFILE = `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec:
  image: registry.example.com/tools@${DIGEST}
  debugProfile: general
`;

const POLICY = `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: oncall }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: ['shop-*'], profiles: [shell] }
  terms: { longest: 30m }
`;

function setOf(...texts: string[]): PolicySet {
  const set = readPolicyDocuments(texts.map((text, index) => ({ name: `${index}.yaml`, text })));
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

function errorsOf(...texts: string[]): readonly string[] {
  const set = readPolicyDocuments(texts.map((text, index) => ({ name: `${index}.yaml`, text })));
  if (!isPolicyErrors(set)) throw new Error('there is nothing wrong with them');
  return set.policyErrors;
}

describe('documents', () => {
  test('become rules and profiles with every default written out', () => {
    const set = setOf(POLICY, PROFILE);
    expect(set.policies).toEqual([
      {
        name: 'oncall',
        effect: 'allow',
        match: {
          groups: ['oncall'],
          clusters: ['*'],
          namespaces: ['shop-*'],
          profiles: ['shell'],
        },
        terms: {
          longestSeconds: 1800,
          approvals: { count: 0, groups: [] },
          reasonRequired: true,
          ticketRequired: false,
          onOverrun: 'alert',
        },
      },
    ]);
    expect(set.profiles).toEqual([
      {
        name: 'shell',
        description: '',
        image: `registry.example.com/tools@${DIGEST}`,
        imagePullPolicy: 'IfNotPresent',
        securityContext: { capabilities: { add: ['SYS_PTRACE'] } },
        env: [],
        shell: '/bin/sh',
      },
    ]);
  });

  test.each(Object.entries(SECURITY_CONTEXTS))(
    'may name the profile %s of kubectl debug',
    (name, context) => {
      const [profile] = setOf(PROFILE.replace('general', name)).profiles;
      expect(profile?.securityContext).toEqual(context);
    },
  );

  test('may be many in one file, with comments and empty documents between', () => {
    const set = setOf(`# first\n---\n${POLICY}---\n---\n# nothing\n---\n${PROFILE}...\n`);
    expect(set.policies).toHaveLength(1);
    expect(set.profiles).toHaveLength(1);
  });

  test.each([
    ['30m', 1800],
    ['1h30m', 5400],
    ['90s', 90],
    ['1h1m1s', 3661],
    ['168h', 604_800],
  ])('may say %s for %i seconds', (text, seconds) => {
    expect(setOf(POLICY.replace('30m', text), PROFILE).policies[0]?.terms.longestSeconds).toBe(
      seconds,
    );
  });

  test('hash to the same whatever their order, their files, their comments and their spelling', () => {
    const named = (text: string, name: string): string =>
      text.replace(/name: \w+/, `name: ${name}`);
    const documents = [
      PROFILE,
      named(PROFILE, 'other'),
      POLICY,
      named(POLICY, 'a-second'),
      named(POLICY, 'third').replace('30m', '1h'),
      `apiVersion: hallpass/v1\nkind: AccessPolicy\nmetadata: {name: no}\nspec: {effect: deny, match: {groups: ['*'], namespaces: [x]}}\n`,
    ];
    const { hash } = setOf(documents.join('---\n'));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(documents, { minLength: documents.length }),
        fc.integer({ min: 0, max: documents.length }),
        (shuffled, cut) => {
          const files = [shuffled.slice(0, cut), shuffled.slice(cut)].map((part) =>
            part.map((text) => `# ${cut}\n${text}`).join('---\n'),
          );
          expect(setOf(...files).hash).toBe(hash);
        },
      ),
      { numRuns: 50 },
    );
    expect(
      setOf(documents.join('---\n').replace('longest: 30m', 'longestSeconds: 1800')).hash,
    ).toBe(hash);
    expect(setOf(documents.join('---\n').replace('30m', '31m')).hash).not.toBe(hash);
  });
});

describe('errors', () => {
  test('of all documents are told in one pass, each with its file, line, column and path', () => {
    const broken = POLICY.replace('allow', 'maybe')
      .replace('[oncall]', '[]')
      .replace('terms', 'term');
    expect(
      errorsOf(
        `${broken}---\n${PROFILE.replace('image:', 'imag:')}`,
        `${PROFILE.replace('shell', 'Shell')}---\nkind: Role\n`,
        'a: [\n',
      ),
    ).toEqual([
      '0.yaml:5:11: spec.effect: expected one of "allow"|"deny"',
      '0.yaml:6:20: spec.match.groups: Too small: expected array to have >=1 items',
      '0.yaml:7:3: spec.term: is not known',
      '0.yaml:12:1: spec.image: is missing',
      '0.yaml:13:3: spec.imag: is not known',
      expect.stringMatching(/^1\.yaml:3:19: metadata\.name: must be a DNS label/) as string,
      '1.yaml:8:7: kind: must be AccessPolicy or DebugProfile',
      expect.stringMatching(/^2\.yaml:2:1: the indentation/) as string,
    ]);
  });

  test.each<[string, string | RegExp, string, string]>([
    ['another version', 'hallpass/v1', 'hallpass/v2', '1:13: apiVersion: '],
    ['no name', '{ name: oncall }', '{}', '3:1: metadata.name: is missing'],
    ['a deny with terms', 'allow', 'deny', '7:10: spec.terms: has no place in a deny'],
    ['an allow without terms', /\s+terms: .*/, '', '4:1: spec.terms: must say on what terms'],
    ['terms without a duration', 'longest: 30m', 'ticketRequired: true', 'give one of longest and'],
    ['both durations', '30m', '30m, longestSeconds: 1', 'give one of longest and longestSeconds'],
    ['a duration of nothing', '30m', '0m', '7:21: spec.terms.longest: must be a duration'],
    ['a duration in words', '30m', 'half an hour', 'spec.terms.longest: must be a duration'],
    ['an empty duration', '30m', "''", 'spec.terms.longest: must be a duration'],
    ['a duration over a week', '30m', '169h', 'spec.terms.longest: must be 168h at most'],
    ['a number for a duration', '30m', '30', 'spec.terms.longest: expected string'],
    ['no namespaces', "namespaces: ['shop-*'], ", '', 'spec.match.namespaces: is missing'],
    [
      'a pattern that matches nothing',
      'shop-*',
      'Shop?',
      'spec.match.namespaces[0]: must be a name',
    ],
    [
      'approvals of nobody',
      '30m',
      '30m, approvals: {count: 1, groups: []}',
      'approvals.groups: must name',
    ],
    [
      'approvals of everybody',
      '30m',
      "30m, approvals: {count: 1, groups: ['*']}",
      'groups[0]: must be',
    ],
    [
      'negative approvals',
      '30m',
      '30m, approvals: {count: -1, groups: [a]}',
      'approvals.count: Too small',
    ],
    ['text for a truth', '30m', "30m, reasonRequired: 'no'", 'reasonRequired: expected boolean'],
    ['yes for a truth', '30m', '30m, reasonRequired: no', 'reasonRequired: expected boolean'],
    ['an unknown overrun', '30m', '30m, onOverrun: delete', 'onOverrun: expected one of'],
    [
      'an unknown profile',
      '[shell]',
      '[shall]',
      '6:65: spec.match.profiles[0]: there is no profile shall',
    ],
  ])('refuse a policy with %s', (_, what, by, said) => {
    expect(errorsOf(POLICY.replace(what, by), PROFILE).join('\n')).toContain(said);
  });

  test.each<[string, string | RegExp, string, string]>([
    ['a tag for an image', `@${DIGEST}`, ':latest', '5:10: spec.image: must name a digest'],
    ['a digest that is too short', DIGEST, DIGEST.slice(0, -1), 'spec.image: must be an image'],
    ['a digest in capitals', 'abcdef', 'ABCDEF', 'spec.image: must be an image'],
    ['white space in an image', 'tools@', 'to ols@', 'spec.image: must be an image'],
    ['no rights said', /\s+debugProfile: .*/, '', 'give one of debugProfile and securityContext'],
    [
      'rights said twice',
      'general',
      'general\n  securityContext: {}',
      'give one of debugProfile and',
    ],
    ['an unknown kubectl profile', 'general', 'legacy', 'debugProfile: expected one of'],
    [
      'a variable of ours',
      'general',
      'general\n  env: [{name: HALLPASS_SESSION, value: x}]',
      'HALLPASS_',
    ],
    [
      'a variable twice',
      'general',
      'general\n  env: [{name: A, value: x}, {name: A, value: y}]',
      'twice',
    ],
    [
      'a variable from elsewhere',
      'general',
      'general\n  env: [{name: A, valueFrom: {}}]',
      'valueFrom: is not',
    ],
    ['a relative shell', 'general', 'general\n  shell: sh', 'spec.shell: must be an absolute path'],
    [
      'a shell with arguments',
      'general',
      'general\n  shell: /bin/sh -c',
      'spec.shell: must be an abs',
    ],
    [
      'a shell that the kubelet expands',
      'general',
      'general\n  shell: /$(X)',
      'spec.shell: must be',
    ],
  ])('refuse a profile with %s', (_, what, by, said) => {
    expect(errorsOf(PROFILE.replace(what, by)).join('\n')).toContain(said);
  });

  test.each([
    ['{ procMount: Unmasked }', 'procMount: is not known'],
    ['{ windowsOptions: {} }', 'windowsOptions: is not known'],
    ['{ capabilities: { add: [CAP_SYS_PTRACE] } }', 'without CAP_ in front'],
    ['{ privileged: true, allowPrivilegeEscalation: false }', 'cannot be false where privileged'],
    ['{ seccompProfile: { type: Localhost } }', 'goes with the type Localhost'],
    ['{ runAsUser: root }', 'runAsUser: expected number'],
    ['{ runAsUser: -1 }', 'runAsUser: Too small'],
  ])('refuse the security context %s', (context, said) => {
    const text = PROFILE.replace('debugProfile: general', `securityContext: ${context}`);
    expect(errorsOf(text).join('\n')).toContain(said);
  });

  test('refuse a name that is taken, and say by whom', () => {
    expect(errorsOf(PROFILE, PROFILE)).toEqual([
      '1.yaml:3:19: metadata.name: is taken by 0.yaml:3:19',
    ]);
    setOf(PROFILE.replace('shell', 'oncall'), PROFILE, POLICY);
  });

  test('a profile that has errors of its own is not missed as well', () => {
    const errors = errorsOf(POLICY, PROFILE.replace('general', 'nothing'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('debugProfile');
  });

  test('a tag is accepted where the profile says so', () => {
    const text = PROFILE.replace(`@${DIGEST}`, ':1.2\n  allowTag: true');
    expect(setOf(text).profiles[0]?.image).toBe('registry.example.com/tools:1.2');
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
