import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlackRenderer } from '../../src/adapters/slack/slack.renderer.js';
import { BUTTONS, parseButtonValue } from '../../src/adapters/slack/button.value.js';
import { STEPS } from '../../src/adapters/slack/requester.blocks.js';
import type { SlackStory } from '../../src/app/ports/post.renderer.js';
import type { PostKey } from '../../src/app/ports/slack.posts.js';
import type { DecisionRecord } from '../../src/app/ports/session.store.js';
import { NO_HISTORY } from '../../src/domain/policy/facts.js';
import type { Grant } from '../../src/domain/policy/policy.js';
import { END_REASONS, STATES } from '../../src/domain/session/session.machine.js';
import { overLimits } from '../support/block.limits.js';
import { factsOf } from '../support/policies.js';
import { grantOf, newSession, PROFILE } from '../support/sessions.js';

const renderer = new SlackRenderer('https://hallpass.example');

const TRAPS = [
  '<!channel>',
  '<!everyone>',
  '<@U1>',
  '<https://evil.example|https://hallpass.example>',
  '*Approved*',
];
const hostile = (max: number) =>
  fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: max }),
      fc.constantFrom(...TRAPS),
      fc.constantFrom('<', '&', '😀', '\u202e', '`', '\n').map((it) => it.repeat(max)),
    )
    .map((text) => (text === '' ? '-' : text));
const person = fc.record({
  iss: fc.constant('https://id.example'),
  sub: hostile(250),
  name: hostile(250),
  email: hostile(250),
  groups: fc.array(hostile(60), { maxLength: 3 }),
});
const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });

const story: fc.Arbitrary<SlackStory> = fc
  .record({
    state: fc.constantFrom(...STATES),
    endReason: fc.option(fc.constantFrom(...END_REASONS)),
    endDetail: fc.option(hostile(2_000)),
    requester: person,
    others: fc.array(person, { maxLength: 30 }),
    name: hostile(253),
    reason: hostile(3_000),
    ticket: hostile(250),
    groups: fc.array(fc.array(hostile(250), { minLength: 1, maxLength: 20 }), { maxLength: 10 }),
    description: hostile(1_000),
    added: fc.array(hostile(60), { maxLength: 30 }),
    privileged: fc.boolean(),
    at: date,
    breakGlass: fc.boolean(),
    consent: fc.constantFrom('counts' as const, 'page' as const),
    comment: fc.option(hostile(3_000)),
    overran: fc.boolean(),
    extended: fc.nat({ max: 5 }),
    notExtended: fc.nat({ max: 5 }),
    owed: fc.boolean(),
  })
  .map((it) => {
    const require = it.groups.map((groups) => ({ count: 1, groups, users: [] }));
    const base = grantOf('hash', ...require);
    const grant: Grant = {
      ...base,
      breakGlass: it.breakGlass,
      rule: it.name,
      profile: {
        ...PROFILE,
        name: it.name,
        description: it.description,
        image: it.name,
        securityContext: { privileged: it.privileged, capabilities: { add: it.added } },
      },
      terms: { ...base.terms, slack: { channels: [], consent: it.consent, profiles: ['*'] } },
    };
    const plain = newSession();
    const session = newSession({
      state: it.state,
      requester: it.requester,
      grant,
      endReason: it.endReason,
      endDetail: it.endDetail,
      startedAt: it.at,
      deadlineAt: it.at,
      endedAt: it.at,
      request: {
        ...plain.request,
        cluster: it.name,
        namespace: it.name,
        target: { kind: 'pod', name: it.name },
        container: it.name,
        reason: it.reason,
        ticket: it.ticket,
      },
      pin: { podName: it.name, podUid: 'uid', nodeName: 'node' },
    });
    const container = { name: it.name, image: it.name, digest: it.name, ready: true, restarts: 0 };
    const facts = {
      ...factsOf({
        found: {
          pod: it.name,
          owner: { kind: 'Deployment', name: it.name },
          containers: [container],
        },
      }),
      history: { ...NO_HISTORY, overdueReviews: { mine: 3, byTeam: {} } },
    };
    const said = it.others.map((who, index) => record(`d-${index}`, it.comment, who));
    const decisions = [
      { ...record('d-policy', null, null), by: 'policy' as const, facts },
      ...said,
    ];
    const words = it.others.map((who) => ({ person: who, verdict: 'approve' as const, at: it.at }));
    const owed = {
      sessionId: session.id,
      debtor: it.requester,
      team: null,
      dueAt: it.at,
      review: it.overran
        ? { person: it.requester, finding: 'misuse' as const, comment: it.reason, at: it.at }
        : null,
    };
    const { overran, extended, notExtended } = it;
    const isOverdue = !overran && it.others.length > 0;
    const debt = { owed: it.owed ? owed : null, isDueSoon: true, isOverdue };
    return { session, decisions, words, ...debt, overran, extended, notExtended };
  });

function record(id: string, comment: string | null, who: DecisionRecord['person']): DecisionRecord {
  return {
    id,
    by: 'person',
    verdict: 'approve',
    person: who,
    comment,
    rule: null,
    policyHash: null,
    explanation: [],
    seenVersion: 1,
    facts: null,
    at: new Date(0),
  };
}

const key = (kind: PostKey['kind'], about = ''): PostKey => ({ kind, target: 'C1', about });
const KEYS: readonly PostKey[] = [
  key('request'),
  key('card'),
  key('security'),
  key('alarm', 'overrun'),
  key('alarm', 'review'),
  key('word', 'd-policy'),
  ...STEPS.map((step) => key('step', step)),
];

/** All text that Slack parses in a message. */
function parsed(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(parsed);
  if (typeof value !== 'object' || value === null) return [];
  const fields: Record<string, unknown> = { ...value };
  if (fields['type'] === 'mrkdwn') return [String(fields['text'])];
  return Object.values(fields).flatMap(parsed);
}

describe('every message about any session', () => {
  test('is within the limits that Slack documents', () => {
    fc.assert(
      fc.property(story, (it) => {
        for (const post of KEYS) expect(overLimits(renderer.render(post, it))).toEqual([]);
        for (const { id } of it.decisions) {
          expect(overLimits(renderer.render(key('word', id), it))).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('has no mention and no link of anybody’s but dates', () => {
    fc.assert(
      fc.property(story, (it) => {
        for (const post of KEYS) {
          const { text, blocks } = renderer.render(post, it);
          for (const line of [text, ...parsed(blocks)]) {
            expect(line.replaceAll(/<!date\^-?\d+\^[^<>|]*\|[^<>|]*>/g, '')).not.toMatch(/[<>]/);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('is the same for the same session, and links to nothing but its page', () => {
    fc.assert(
      fc.property(story, (it) => {
        for (const post of KEYS) {
          const message = renderer.render(post, it);
          expect(renderer.render(post, structuredClone(it))).toEqual(message);
          for (const [, url] of JSON.stringify(message.blocks).matchAll(/"url":"([^"]*)"/g)) {
            expect(url).toBe(`https://hallpass.example/sessions/${it.session.id}`);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

test('a button says which session, and which version of it was shown', () => {
  const seen = { id: '0123456789abcdef', version: 7 };
  expect(parseButtonValue('0123456789abcdef:7')).toEqual({ ...seen, asksWhy: false });
  expect(parseButtonValue('0123456789abcdef:7:why')).toEqual({ ...seen, asksWhy: true });
  for (const none of [
    '',
    '0123456789abcdef',
    '0123456789abcdef:',
    ':7',
    'x:7',
    `${'0'.repeat(17)}:7`,
    '0123456789abcdef:7:',
    '0123456789abcdef:7:what',
  ]) {
    expect(parseButtonValue(none)).toBeUndefined();
  }
});

/** What a message about a session of that profile says, as one text. */
function saying(kind: PostKey['kind'], over: Partial<Grant>, state: 'pending' | 'active') {
  const grant = { ...grantOf('hash'), ...over };
  const session = newSession({ state, grant, startedAt: state === 'active' ? new Date(0) : null });
  const review = { owed: null, isOverdue: false, isDueSoon: false };
  const about = { decisions: [], words: [], ...review, overran: false };
  const extending = { extended: 0, notExtended: 0 };
  return JSON.stringify(renderer.render(key(kind), { session, ...about, ...extending }).blocks);
}

test.each([
  [null, 'as the user of its image, which may be root;'],
  [{ privileged: true }, ':warning: *privileged*: as root on the node;'],
  [{ runAsUser: 0 }, ':warning: as root;'],
  [{ runAsUser: 1000, runAsNonRoot: true }, 'as user 1000, never as root;'],
  [
    { capabilities: { add: ['SYS_PTRACE'] }, seccompProfile: { type: 'Unconfined' } },
    'as the user of its image, which may be root, :warning: with `SYS_PTRACE`, :warning: seccomp unconfined;',
  ],
  [
    { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false },
    'never as root, without `ALL`, gets no more rights;',
  ],
])('what a profile can do is told as far as it is known: %j', (securityContext, said) => {
  const profile = { ...PROFILE, securityContext };
  expect(saying('request', { profile }, 'pending')).toContain(`\\n${said}`);
});

test('to end a session is asked about before, to open and to extend it is not', () => {
  const card = saying('card', {}, 'active');
  expect(card.match(/"confirm":\{"title"/g)).toHaveLength(1);
  expect(card).toMatch(new RegExp(`"${BUTTONS.end}".*?"End it\\?"`));
});

test('the button says whether policy asks why', () => {
  const { terms } = grantOf('hash');
  const withComment = (commentRequired: boolean) => ({
    terms: {
      ...terms,
      slack: { channels: [], consent: 'counts' as const, profiles: ['*'] },
      approvals: { ...terms.approvals, commentRequired },
    },
  });
  expect(saying('request', withComment(true), 'pending')).toContain(':1:why"');
  expect(saying('request', withComment(false), 'pending')).not.toContain(':why"');
});
