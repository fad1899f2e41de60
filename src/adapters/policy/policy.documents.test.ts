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

const SECURITY = `apiVersion: hallpass/v1
kind: ApproverSet
metadata: { name: sec }
spec: { groups: [security, ciso], users: [alex] }
`;

const ON_CALL = `apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: pager }
spec: { url: 'https://pager.example.com/oncalls', shape: pagerduty }
`;

/** Every key of a policy. */
const FULL = `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: full }
spec:
  description: All of it.
  effect: allow
  match:
    groups: [oncall]
    users: [robin, 'https://login.example.com|kim']
    clusters: ['prod-*']
    namespaces: [shop]
    namespaceSelector:
      matchLabels: { tier: prod }
      matchExpressions: [{ key: team, operator: NotIn, values: [a, b] }]
    workloads:
      - kinds: [Deployment, Pod]
        names: ['checkout*', a.b]
        podSelector: { matchExpressions: [{ key: app, operator: Exists }] }
    profiles: ['sh*']
    times: [{ timeZone: Europe/Berlin, days: [Mon], from: '09:00', to: '17:30' }]
  when: onCall['pager'] && target.restarts > 0
  terms:
    longestSeconds: 1800
    approvals:
      require: [{ count: 2, groups: [leads], approvers: [sec] }, { count: 0, users: [kim] }]
      commentRequired: true
      signIn: { acr: [silver], maxAge: 5m }
      escalation: { after: 15m, groups: [managers] }
    reason: { required: false, pattern: '.{10,}' }
    ticket: { required: true, pattern: 'INC-[0-9]+' }
    recording: best-effort
    ways: [cli]
    fileCopies: download
    portForward: true
    concurrent: { perPerson: 3, perPod: 1 }
    extension: { times: 2, longest: 10m }
    idle: 5m
    onOverrun: evict
    onAccessRemoved: keep
    breakGlass:
      signIn: { acr: [gold], amr: [mfa], maxAge: 15m }
      review: { within: 24h, approvers: [sec] }
      blocks: team
      team: shop
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
        description: '',
        effect: 'allow',
        match: {
          groups: ['oncall'],
          users: [],
          clusters: ['*'],
          namespaces: ['shop-*'],
          namespaceSelector: [],
          workloads: [],
          profiles: ['shell'],
          times: [],
        },
        when: null,
        terms: {
          longestSeconds: 1800,
          approvals: { require: [], commentRequired: false, escalation: null },
          reason: { required: true, pattern: null },
          ticket: { required: false, pattern: null },
          recording: 'strict',
          keepRecordingSeconds: 31_536_000,
          watcher: 'none',
          streams: 5,
          ways: ['console', 'cli', 'kubectl'],
          fileCopies: 'both',
          portForward: false,
          concurrent: { perPerson: null, perPod: null },
          extension: null,
          idleSeconds: null,
          onOverrun: 'alert',
          onAccessRemoved: 'end',
          slack: { channels: [], consent: 'page', profiles: ['*'] },
          breakGlass: null,
        },
        patterns: { reason: null, ticket: null },
        where: '0.yaml:1:1',
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
        multiplexer: 'none',
        recordInput: false,
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

  test('keep every key that is written, approver sets put in', () => {
    const [policy] = setOf(FULL, SECURITY, ON_CALL, PROFILE).policies;
    expect(policy).toMatchObject({
      description: 'All of it.',
      match: {
        groups: ['oncall'],
        users: ['robin', 'https://login.example.com|kim'],
        clusters: ['prod-*'],
        namespaces: ['shop'],
        namespaceSelector: [
          { key: 'tier', operator: 'In', values: ['prod'] },
          { key: 'team', operator: 'NotIn', values: ['a', 'b'] },
        ],
        workloads: [
          {
            kinds: ['Deployment', 'Pod'],
            names: ['checkout*', 'a.b'],
            podSelector: [{ key: 'app', operator: 'Exists', values: [] }],
          },
        ],
        profiles: ['sh*'],
        times: [{ timeZone: 'Europe/Berlin', days: ['Mon'], fromMinute: 540, toMinute: 1050 }],
      },
      when: { source: "onCall['pager'] && target.restarts > 0" },
      terms: {
        longestSeconds: 1800,
        approvals: {
          require: [
            { count: 2, groups: ['leads', 'security', 'ciso'], users: ['alex'] },
            { count: 0, groups: [], users: ['kim'] },
          ],
          commentRequired: true,
          signIn: { acr: ['silver'], amr: [], maxAgeSeconds: 300 },
          escalation: { afterSeconds: 900, groups: ['managers'], users: [] },
        },
        reason: { required: false, pattern: '.{10,}' },
        ticket: { required: true, pattern: 'INC-[0-9]+' },
        recording: 'best-effort',
        ways: ['cli'],
        fileCopies: 'download',
        portForward: true,
        concurrent: { perPerson: 3, perPod: 1 },
        extension: { times: 2, longestSeconds: 600 },
        idleSeconds: 300,
        onOverrun: 'evict',
        onAccessRemoved: 'keep',
        breakGlass: {
          signIn: { acr: ['gold'], amr: ['mfa'], maxAgeSeconds: 900 },
          review: { withinSeconds: 86_400, groups: ['security', 'ciso'], users: ['alex'] },
          debt: { of: 'team', team: 'shop' },
        },
      },
    });
    expect(policy?.patterns.ticket?.matches('INC-1')).toBe(true);
    expect(policy?.patterns.ticket?.matches('see INC-1')).toBe(false);
  });

  test('are a set whose hash is that of the names and texts of its files, in whatever order they come', () => {
    const files = [POLICY, PROFILE].map((text, at) => ({ name: `${at}.yaml`, text }));
    const hashOf = (from: typeof files): string => {
      const set = readPolicyDocuments(from);
      if (isPolicyErrors(set)) throw new Error(set.policyErrors.join());
      return set.hash;
    };
    expect(hashOf(files.toReversed())).toBe(hashOf(files));
    const changed = files.map((file) => ({ ...file, text: `# new\n${file.text}` }));
    expect(hashOf(changed)).not.toBe(hashOf(files));
    expect(hashOf(files.map((file) => ({ ...file, name: `x${file.name}` })))).not.toBe(
      hashOf(files),
    );
  });

  test('mean the same in whatever files and order they stand', () => {
    const named = (text: string, name: string): string =>
      text.replace(/name: \w+/, `name: ${name}`);
    const documents = [PROFILE, POLICY, named(POLICY, 'b'), SECURITY, ON_CALL, FULL];
    const plain = (set: PolicySet) => ({
      policies: set.policies.map(({ name, match, terms }) => ({ name, match, terms })),
      profiles: set.profiles,
      onCallSources: set.onCallSources,
    });
    const wanted = plain(setOf(documents.join('---\n')));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(documents, { minLength: documents.length }),
        fc.integer({ min: 0, max: documents.length }),
        (shuffled, cut) => {
          const files = [shuffled.slice(0, cut), shuffled.slice(cut)];
          expect(plain(setOf(...files.map((part) => part.join('---\n'))))).toEqual(wanted);
        },
      ),
      { numRuns: 30 },
    );
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
      '0.yaml:7:3: spec.term: is not known: did you mean terms?',
      '0.yaml:12:1: spec.image: is missing',
      '0.yaml:13:3: spec.imag: is not known: did you mean image?',
      expect.stringMatching(/^1\.yaml:3:19: metadata\.name: must be a DNS label/) as string,
      '1.yaml:8:7: kind: must be AccessPolicy, DebugProfile, ApproverSet or OnCallSource',
      expect.stringMatching(/^2\.yaml:2:1: the indentation/) as string,
    ]);
  });

  test.each<[string, string | RegExp, string, string]>([
    ['another version', 'hallpass/v1', 'hallpass/v2', '1:13: apiVersion: '],
    ['no name', '{ name: oncall }', '{}', '3:1: metadata.name: is missing'],
    ['a deny with terms', 'allow', 'deny', '7:10: spec.terms: has no place in a deny'],
    ['an allow without terms', /\s+terms: .*/, '', '4:1: spec.terms: must say on what terms'],
    ['terms without a duration', 'longest: 30m', 'portForward: true', 'give one of longest and'],
    ['both durations', '30m', '30m, longestSeconds: 1', 'give one of longest and longestSeconds'],
    ['a duration of nothing', '30m', '0m', '7:21: spec.terms.longest: must be a duration'],
    ['a duration in words', '30m', 'half an hour', 'spec.terms.longest: must be a duration'],
    ['an empty duration', '30m', "''", 'spec.terms.longest: must be a duration'],
    ['a duration over a week', '30m', '169h', 'spec.terms.longest: must be 168h at most'],
    ['a number for a duration', '30m', '30', 'spec.terms.longest: expected string'],
    ['no namespaces', "namespaces: ['shop-*'], ", '', 'spec.match.namespaces: must say where'],
    [
      'a pattern that matches nothing',
      'shop-*',
      'Shop?',
      'spec.match.namespaces[0]: must be a name',
    ],
    ['an unknown overrun', '30m', '30m, onOverrun: delete', 'onOverrun: expected one of'],
    [
      'an unknown profile',
      '[shell]',
      '[shall]',
      '6:65: spec.match.profiles[0]: there is no profile shall: did you mean shell?',
    ],
  ])('refuse a policy with %s', (_, what, by, said) => {
    expect(errorsOf(POLICY.replace(what, by), PROFILE).join('\n')).toContain(said);
  });

  const SELECTOR = 'namespaceSelector: ';
  test.each<[string, string]>([
    ['groups: []', 'match.groups: Too small'],
    ["groups: ['']", 'match.groups[0]: Too small'],
    ['group: [a]', 'match.group: is not known: did you mean groups?'],
    ['users: []', 'match.users: Too small'],
    ['users: [1]', 'match.users[0]: expected string'],
    ['clusters: []', 'match.clusters: Too small'],
    ["clusters: ['a/b']", 'match.clusters[0]: must be'],
    [`${SELECTOR}{}`, 'namespaceSelector: must select by something'],
    [`${SELECTOR}{ matchLabel: {} }`, 'matchLabel: is not known: did you mean matchLabels?'],
    [`${SELECTOR}{ matchLabels: { a: 1 } }`, 'matchLabels.a: expected string'],
    [`${SELECTOR}{ matchLabels: { a: '-' } }`, 'must be the value of a label'],
    [`${SELECTOR}{ matchLabels: { -a: b } }`, 'must be the key of a label'],
    [
      `${SELECTOR}{ matchExpressions: [{ key: a, operator: Is }] }`,
      'matchExpressions[0].operator: expected one of',
    ],
    [
      `${SELECTOR}{ matchExpressions: [{ key: a, operator: In }] }`,
      'values: must be given with In and NotIn',
    ],
    [
      `${SELECTOR}{ matchExpressions: [{ key: a, operator: Exists, values: [b] }] }`,
      'values: must be given with In and NotIn',
    ],
    ['workloads: []', 'match.workloads: Too small'],
    ['workloads: [{ kinds: [ReplicaSet] }]', 'workloads[0].kinds[0]: expected one of'],
    ["workloads: [{ names: ['A'] }]", 'workloads[0].names[0]: must be a name'],
    ['workloads: [{ podSelector: {} }]', 'podSelector: must select'],
    ['workloads: [{ name: [a] }]', 'workloads[0].name: is not known: did you mean names?'],
    ['profiles: []', 'match.profiles: Too small'],
    ['times: []', 'match.times: Too small'],
    ['times: [{}]', 'times[0].timeZone: is missing'],
    ['times: [{ timeZone: Europe/Berln }]', 'timeZone: must be a time zone'],
    ["times: [{ timeZone: '+01:00' }]", 'timeZone: must be a time zone'],
    ['times: [{ timeZone: UTC, days: [Monday] }]', 'days[0]: expected one of'],
    ['times: [{ timeZone: UTC, from: 9 }]', 'from: expected string'],
    ["times: [{ timeZone: UTC, to: '24:00' }]", 'to: must be a time of day'],
  ])('refuse the match %s', (key, said) => {
    const match = `match: { groups: [a], namespaces: [b], ${key} }`;
    const text = POLICY.replace(
      /match: .*/,
      /(groups|users): /.test(key) && !key.startsWith('group:')
        ? `match: { namespaces: [b], ${key} }`
        : match,
    );
    const errors = errorsOf(text, PROFILE).join('\n');
    expect(errors).toContain(said);
  });

  test.each<[string, string]>([
    ['approvals: 1', 'approvals: expected object'],
    ['approvals: { count: 1 }', 'approvals.count: is not known'],
    ['approvals: { require: [{}] }', 'require[0].groups: must name people'],
    ["approvals: { require: [{ groups: ['*'] }] }", 'groups[0]: must be a group'],
    ['approvals: { require: [{ count: -1, groups: [a] }] }', 'require[0].count: Too small'],
    ['approvals: { require: [{ count: 11, groups: [a] }] }', 'require[0].count: Too big'],
    [
      'approvals: { require: [{ groups: [b] }, { count: 2, users: [a] }] }',
      'terms.approvals.require[1].count: can never be met: one person is named',
    ],
    [
      'approvals: { require: [{ count: 3, users: [a, a, b] }] }',
      'require[0].count: can never be met: 2 people are named',
    ],
    [
      'approvals: { require: [{ count: 3, users: [a] }], escalation: { after: 1m, users: [a, b] } }',
      'require[0].count: can never be met: 2 people are named',
    ],
    ['approvals: { require: [{ group: [a] }] }', 'group: is not known: did you mean groups?'],
    [
      'approvals: { require: [{ approvers: [seq] }] }',
      'approvals.require[0].approvers[0]: there is no approver set seq: did you mean sec?',
    ],
    ['approvals: { signIn: {} }', 'approvals.signIn: must ask for something: acr, amr or maxAge'],
    ['approvals: { signIn: { maxage: 5m } }', 'maxage: is not known: did you mean maxAge?'],
    ['approvals: { commentRequired: 1 }', 'commentRequired: expected boolean'],
    ['approvals: { escalation: { groups: [a] } }', 'escalation.after: is missing'],
    ['approvals: { escalation: { after: 15m } }', 'escalation.groups: must name people'],
    [
      'approvals: { escalation: { after: 15m, approvers: [zzzz] } }',
      'escalation.approvers[0]: there is no approver set zzzz',
    ],
    ['reasonRequired: true', 'terms.reasonRequired: is not known'],
    ["reason: { required: 'no' }", 'reason.required: expected boolean'],
    ["reason: { pattern: '(' }", 'reason.pattern: is no pattern of RE2'],
    ["ticket: { pattern: '(?=a)' }", 'ticket.pattern: is no pattern of RE2'],
    ['recording: none', 'terms.recording: expected one of'],
    ['ways: []', 'terms.ways: Too small'],
    ['ways: [ssh]', 'terms.ways[0]: expected one of'],
    ['fileCopies: yes', 'terms.fileCopies: expected one of'],
    ["portForward: 'true'", 'terms.portForward: expected boolean'],
    ['concurrent: { perPerson: 0 }', 'concurrent.perPerson: Too small'],
    ['concurrent: { perpod: 1 }', 'perpod: is not known: did you mean perPod?'],
    ['extension: { times: 0, longest: 1m }', 'extension.times: Too small'],
    ['extension: { times: 1 }', 'extension.longest: is missing'],
    ['idle: never', 'terms.idle: must be a duration'],
    ['onAccessRemoved: kill', 'onAccessRemoved: expected one of'],
    ['breakGlass: {}', 'breakGlass.review: is missing'],
    ['breakGlass: { review: { within: 1h } }', 'review.groups: must name people'],
    [
      'breakGlass: { review: { within: 1h, approvers: [sek] } }',
      'breakGlass.review.approvers[0]: there is no approver set sek: did you mean sec?',
    ],
    [
      'breakGlass: { review: { within: 1h, groups: [a] }, blocks: team }',
      'breakGlass.team: must be given with blocks: team',
    ],
    [
      'breakGlass: { review: { within: 1h, groups: [a] }, team: a }',
      'breakGlass.team: must be given with blocks: team',
    ],
  ])('refuse the terms %s', (key, said) => {
    const text = POLICY.replace('longest: 30m', `longest: 30m, ${key}`);
    expect(errorsOf(text, PROFILE, SECURITY).join('\n')).toContain(said);
  });

  const LEADS = `apiVersion: hallpass/v1
kind: ApproverSet
metadata: { name: leads }
spec: { users: [kim, lee] }`;
  test('tell where people of approver sets can be counted and are too few, by line and column', () => {
    const text = POLICY.replace(
      'longest: 30m',
      'longest: 30m, approvals: { require: [{ count: 3, users: [kim], approvers: [leads] }] }',
    );
    const errors = errorsOf(text, PROFILE, LEADS);
    expect(errors).toEqual([
      '0.yaml:7:58: spec.terms.approvals.require[0].count: can never be met: 2 people are named',
    ]);
  });

  test.each([
    ['as many people are named', 'require: [{ count: 2, users: [a, b] }]'],
    ['sets name the others', 'require: [{ count: 3, users: [a], approvers: [leads] }]'],
    ['a set names a group', 'require: [{ count: 5, users: [a], approvers: [sec] }]'],
    [
      'the escalation names a group',
      'require: [{ count: 2, users: [a] }], escalation: { after: 1m, groups: [b] }',
    ],
    ['nobody need agree', 'require: [{ count: 0, users: [a] }]'],
  ])('tell nothing of a requirement where %s', (_, approvals) => {
    const text = POLICY.replace('longest: 30m', `longest: 30m, approvals: { ${approvals} }`);
    expect(setOf(text, PROFILE, SECURITY, LEADS).policies).toHaveLength(1);
  });

  test.each([
    ['{}', 'spec.groups: must name people: groups or users'],
    ['{ groups: [a], approvers: [b] }', 'spec.approvers: is not known'],
    ["{ groups: ['*'] }", 'spec.groups[0]: must be a group'],
  ])('refuse the approver set %s', (spec, said) => {
    expect(errorsOf(SECURITY.replace(/spec: .*/, `spec: ${spec}`)).join('\n')).toContain(said);
  });

  test.each<[string, string, string]>([
    ['plain', 'when: true && target.restart > 0', '0.yaml:8:24: '],
    ['in single quotes', "when: 'true && target.restart > 0'", '0.yaml:8:25: '],
    ['in double quotes', 'when: "true && target.restart > 0"', '0.yaml:8:25: '],
    ['as a block', 'when: |\n    true &&\n      target.restart > 0', '0.yaml:10:14: '],
    ['as a folded block', 'when: >\n    true &&\n    target.restart > 0', '0.yaml:8:'],
  ])('inside an expression are told where they stand: %s', (_, when, where) => {
    const [error] = errorsOf(`${POLICY}  ${when}\n`, PROFILE);
    expect(error).toContain(where);
    expect(error).toContain('is "restarts" meant?');
  });

  test('of an expression name the fact or the on-call source that was meant', () => {
    const errorOf = (when: string) =>
      errorsOf(`${POLICY}  when: ${when}\n`, PROFILE, ON_CALL).join('\n');
    expect(errorOf('requestor.email == ""')).toContain('is "requester" meant?');
    expect(errorOf("onCall['pagers']")).toContain('is "pager" meant?');
    expect(errorOf('target.restarts')).toContain('must be true or false');
  });

  test('of names, keys, expressions, patterns and YAML are told together', () => {
    const policy = POLICY.replace('[shell]', '[none]').replace(
      'longest: 30m',
      "longest: 30m, ticket: { pattern: '(' }, approvals: { require: [{ approvers: [none] }] }",
    );
    const errors = errorsOf(`${policy}  when: nothing\n`, PROFILE.replace('shell', 'Shell'));
    for (const path of ['profiles[0]', 'ticket.pattern', 'approvers[0]', 'when', 'metadata.name']) {
      expect(errors.filter((error) => error.includes(`${path}: `))).toHaveLength(1);
    }
    expect(errors).toHaveLength(5);
  });

  test('of an expression are told beside others in the same document', () => {
    const errors = errorsOf(`${POLICY.replace('allow', 'alow')}  when: nothing\n`, PROFILE);
    expect(errors).toHaveLength(2);
    expect(errors.join('\n')).toMatch(/spec\.effect: .*\n.*spec\.when: /);
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
