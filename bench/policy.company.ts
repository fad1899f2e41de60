import { NO_HISTORY } from '../src/domain/policy/facts.js';
import type { Facts } from '../src/domain/policy/facts.js';
import type { PolicyFile } from '../src/domain/policy/policy.js';

/** A company's policies: ten to a team, and four for everybody. Three of ten have a condition. */

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const POLICIES_A_TEAM = 10;

const profile = (name: string, debugProfile: string): string => `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: ${name} }
spec: { image: 'registry.example.com/tools@${DIGEST}', debugProfile: ${debugProfile} }
`;

const FOR_ALL = [
  `effect: deny
  match: { groups: ['*'], namespaces: [kube-system, kube-public] }`,
  `effect: deny
  match: { groups: ['*'], namespaces: ['*'], profiles: [root] }
  when: "!('mfa' in requester.amr)"`,
  `effect: allow
  match: { groups: [sre], namespaces: ['*'] }
  terms: { longest: 1h, approvals: { require: [{ approvers: [security] }] } }`,
  `effect: allow
  match: { groups: [security], namespaces: ['*'], profiles: [shell] }
  terms: { longest: 2h, ticket: { required: true, pattern: '[A-Z]+-[0-9]+' } }`,
];

const OF_A_TEAM = [
  `effect: allow
  match: { groups: [TEAM], namespaces: [TEAM], profiles: [shell] }
  terms: { longest: 30m, approvals: { require: [{ groups: [TEAM-leads] }] } }`,
  `effect: allow
  match: { groups: [TEAM], clusters: [staging], namespaces: [TEAM, 'TEAM-*'] }
  terms: { longest: 4h, reason: { required: false } }`,
  `effect: allow
  match: { groups: [TEAM], namespaces: [TEAM], profiles: [shell] }
  when: target.restarts > 3 && 'team' in target.labels && target.labels.team == 'TEAM'
  terms: { longest: 15m }`,
  `effect: allow
  match: { groups: [TEAM], namespaceSelector: { matchLabels: { team: TEAM, tier: test } } }
  terms: { longest: 8h, reason: { required: false } }`,
  `effect: allow
  match:
    groups: [TEAM-oncall]
    namespaces: [TEAM]
    times: [{ timeZone: Europe/Berlin, from: '18:00', to: '08:00' }]
  terms: { longest: 1h }`,
  `effect: allow
  match:
    groups: [TEAM]
    namespaces: ['TEAM-*']
    workloads: [{ kinds: [Deployment, StatefulSet], names: ['api-*'], podSelector: { matchExpressions: [{ key: data, operator: DoesNotExist }] } }]
  terms: { longest: 30m, concurrent: { perPerson: 3 } }`,
  `effect: allow
  match: { groups: [TEAM-oncall], namespaces: [TEAM] }
  when: request.ticket.startsWith('INC-') && history.mine.lastDay < 10
  terms:
    longest: 1h
    approvals: { require: [{ approvers: [security] }] }
    breakGlass: { signIn: { amr: [mfa] }, review: { within: 24h, approvers: [security] } }`,
  `effect: deny
  match:
    groups: [TEAM]
    clusters: [production]
    namespaces: [TEAM]
    times: [{ timeZone: Europe/Berlin, days: [Sat, Sun] }]`,
  `effect: allow
  match: { groups: [TEAM-leads], namespaces: [TEAM, 'TEAM-*'], profiles: [root] }
  terms: { longest: 15m, approvals: { require: [{ count: 2, groups: [TEAM] }, { approvers: [security] }] } }`,
  `effect: deny
  match: { groups: [TEAM, TEAM-oncall], namespaces: [TEAM] }
  when: "'freeze' in target.namespaceLabels && target.namespaceLabels.freeze == 'true'"`,
];

/** `policies` access policies, with the profiles and people that they name. A file for each team. */
export function companyFiles(policies: number): PolicyFile[] {
  const files = [
    {
      name: 'company.yaml',
      text: [
        profile('shell', 'general'),
        profile('root', 'sysadmin'),
        `apiVersion: hallpass/v1\nkind: ApproverSet\nmetadata: { name: security }\nspec: { groups: [security] }\n`,
        ...FOR_ALL.slice(0, policies).map((spec, at) => policy(`all-${at}`, spec)),
      ].join('---\n'),
    },
  ];
  for (let left = policies - FOR_ALL.length; left > 0; left -= POLICIES_A_TEAM) {
    const team = teamOf(files.length - 1);
    const specs = OF_A_TEAM.slice(0, left).map((spec, at) =>
      policy(`${team}-${at}`, spec.replaceAll('TEAM', team)),
    );
    files.push({ name: `${team}.yaml`, text: specs.join('---\n') });
  }
  return files;
}

function policy(name: string, spec: string): string {
  return `apiVersion: hallpass/v1\nkind: AccessPolicy\nmetadata: { name: ${name} }\nspec:\n  ${spec}\n`;
}

function teamOf(index: number): string {
  return `team-${index}`;
}

/**
 * The facts of the request with this number: somebody of three teams and on call in one. Of ten requests eight are for
 * a namespace of an own team, one for another team's and one for `kube-system`. New objects each time, as each request
 * brings its own.
 */
export function companyFacts(number: number, policies: number): Facts {
  const teams = Math.max(1, Math.ceil((policies - FOR_ALL.length) / POLICIES_A_TEAM));
  const own = teamOf((number * 7) % teams);
  const namespace = NAMESPACES[number % NAMESPACES.length]?.(own) ?? own;
  const others = [teamOf((number * 7 + 1) % teams), teamOf((number * 7 + 2) % teams)];
  return {
    requester: {
      issuer: 'https://login.example.com',
      subject: `person-${number % 1_000}`,
      email: `person-${number % 1_000}@example.com`,
      groups: ['everyone', 'engineering', own, `${own}-oncall`, ...others],
      claims: { department: 'engineering' },
      acr: '',
      amr: number % 3 === 0 ? ['pwd'] : ['pwd', 'mfa'],
      authAgeSeconds: 300,
    },
    target: {
      cluster: number % 4 === 0 ? 'staging' : 'production',
      namespace,
      found: {
        namespaceLabels: { team: own, tier: number % 5 === 0 ? 'test' : 'prod' },
        namespaceAnnotations: {},
        pod: 'api-orders-5d9c7b6f4-x2x9k',
        labels: { app: 'api-orders', team: own, 'pod-template-hash': '5d9c7b6f4' },
        annotations: {},
        owner: { kind: 'Deployment', name: 'api-orders' },
        phase: 'Running',
        ready: number % 2 === 0,
        restarts: number % 8,
        containers: [
          {
            name: 'app',
            image: 'registry.example.com/orders:1.2',
            digest: DIGEST,
            ready: true,
            restarts: number % 8,
          },
        ],
        node: 'node-1',
      },
    },
    request: {
      profile: number % 20 === 0 ? 'root' : 'shell',
      container: 'app',
      durationSeconds: 900,
      reason: 'The connection pool is exhausted.',
      ticket: number % 2 === 0 ? 'INC-4711' : '',
      channel: 'cli',
      breakGlass: number % 50 === 1,
    },
    history: NO_HISTORY,
    onCall: {},
    // A Thursday, a second later each time.
    now: new Date(Date.UTC(2026, 0, 15, 11, 0, number % 86_400)),
  };
}

const NAMESPACES: readonly ((own: string) => string)[] = [
  ...Array.from({ length: 5 }, () => (own: string) => own),
  ...Array.from({ length: 3 }, () => (own: string) => `${own}-api`),
  () => 'somebody-elses',
  () => 'kube-system',
];
