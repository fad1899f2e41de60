import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Person } from '../../src/domain/person.js';
import type { Approvals } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { askedOf } from '../../src/domain/session/session.js';
import { humanOf, missingByBruteForce } from '../support/brute.quorum.js';
import { callerOf, ConsentLab } from '../support/consent.lab.js';
import { requirement } from '../support/policies.js';

const A = 'https://a.example';
const B = 'https://b.example';
/** Four humans with six accounts: of two it is known that they have two each. */
const ACCOUNTS: readonly Omit<Person, 'groups'>[] = [
  { iss: A, sub: 'ann', human: 'ann' },
  { iss: B, sub: 'ann-admin', human: 'ann' },
  { iss: A, sub: 'bob', human: 'bob' },
  { iss: B, sub: 'bob-admin', human: 'bob' },
  { iss: A, sub: 'cid' },
  { iss: A, sub: 'dee' },
];
const GROUPS = ['leads', 'security', 'managers'];
const VERDICTS = ['approve', 'deny', 'retract'] as const;

const account = fc.nat(ACCOUNTS.length - 1);
const groups = fc.constantFrom([], ['leads'], ['security'], ['leads', 'security'], ['managers']);
interface Spoken {
  readonly who: number;
  readonly verdict: (typeof VERDICTS)[number];
  /** 0: by their newest token, 1: by the one before. */
  readonly token: number;
  /** 0: on what the session is now, 1: on what it was one step before. */
  readonly behind: number;
}

const word: fc.Arbitrary<Spoken> = fc.record({
  who: account,
  // Deny seldom: it ends the story.
  verdict: fc.constantFrom(...VERDICTS, 'approve', 'approve', 'retract'),
  token: fc.constantFrom(0, 0, 0, 1),
  behind: fc.constantFrom(0, 0, 0, 1),
});
const move = fc.oneof(
  { weight: 6, arbitrary: word.map((it) => ({ do: 'say' as const, words: [it] })) },
  {
    weight: 2,
    arbitrary: fc.tuple(word, word).map((words) => ({ do: 'say' as const, words })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('sign-in' as const),
      who: account,
      groups,
      // Whether they then read something, so that the broker knows.
      isShown: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), who: account }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
);
const approvals: fc.Arbitrary<Approvals> = fc.record({
  require: fc
    .array(fc.record({ count: fc.integer({ min: 1, max: 2 }), of: fc.constantFrom(...GROUPS) }), {
      minLength: 1,
      maxLength: 2,
    })
    .map((list) => list.map(({ count, of }) => requirement(count, of))),
  commentRequired: fc.constant(false),
  escalation: fc.option(fc.constant({ groups: ['managers'], users: [], afterSeconds: 300 })),
});

/** What happens, with what a bystander keeps of it: who said what, and the newest token that was shown of each. */
class Story {
  private readonly tokens: { readonly person: Person; readonly issuedAt: number }[][];
  private readonly shown = new Map<number, { person: Person; issuedAt: number }>();
  private readonly standing = new Set<number>();
  private readonly history: Session[] = [];
  private time = 0;

  constructor(
    private readonly lab: ConsentLab,
    asked: Session,
    private readonly requester: number,
    given: readonly (readonly string[])[],
  ) {
    this.history.push(asked);
    this.tokens = ACCOUNTS.map((it, at) => [this.token(it, [...(given[at] ?? []), 'oncall'])]);
  }

  get session(): Session {
    const session = this.history.at(-1);
    if (!session) throw new Error('a story of nothing');
    return session;
  }

  async signIn(who: number, groups: readonly string[], isShown: boolean): Promise<void> {
    const known = ACCOUNTS[who];
    if (known) this.tokens[who]?.unshift(this.token(known, groups));
    if (!isShown) return;
    const { person, issuedAt } = this.shownBy(who, 0);
    await this.lab.note.note(callerOf(person, issuedAt));
  }

  /** One word, or two that come to the database together. */
  async say(words: readonly Spoken[]): Promise<void> {
    const said = words.map(({ who, verdict, token, behind }) => {
      const { person, issuedAt } = this.shownBy(who, token);
      const seen = this.history.at(-1 - behind) ?? this.session;
      return { who, verdict, person, issuedAt, seen };
    });
    for (const { person, issuedAt } of said) await this.lab.note.note(callerOf(person, issuedAt));
    const outcomes = await Promise.all(
      said.map(({ person, seen, verdict, issuedAt }) =>
        this.lab.say(person, seen, { verdict, issuedAt }),
      ),
    );
    for (const [at, outcome] of outcomes.entries()) {
      const { who = 0, verdict = 'deny' } = said[at] ?? {};
      if (!isProblem(outcome)) this.took(who, verdict, outcome);
    }
    expect(outcomes.filter(isTaken).length).toBeLessThanOrEqual(1);
  }

  async start(who: number): Promise<void> {
    const { person, issuedAt } = this.shownBy(who, 0);
    // As every request does: a newer token of theirs is known from then on.
    await this.lab.note.note(callerOf(person, issuedAt));
    const outcome = await this.lab.start(person, this.session.id);
    if (isProblem(outcome)) return;
    // Whatever was taken back, nothing starts but what is approved.
    expect(this.session.state).toBe('approved');
    this.history.push(outcome);
  }

  async wait(): Promise<void> {
    this.lab.later(200);
    if (this.session.state !== 'pending' && this.session.state !== 'approved') return;
    const now = await this.lab.advance(this.session.id);
    if (now.version !== this.session.version) this.history.push(now);
  }

  private took(who: number, verdict: (typeof VERDICTS)[number], after: Session): void {
    const human = this.human(who);
    expect(human).not.toBe(this.human(this.requester));
    if (verdict === 'approve') this.standing.add(who);
    if (verdict === 'retract') {
      for (const other of this.standing)
        if (this.human(other) === human) this.standing.delete(other);
    }
    expect(after.version).toBe(this.session.version + 1);
    this.history.push(after);
    const words = [...this.standing].map((it) => ({
      person: this.shownBy(it).person,
      verdict: 'approve' as const,
    }));
    const missing = missingByBruteForce(askedOf(after), after.requester, words);
    if (verdict === 'approve') expect(after.state).toBe(missing === 0 ? 'approved' : 'pending');
    if (verdict === 'retract') expect(after.state).toBe('pending');
    if (verdict === 'deny') expect(after.state).toBe('denied');
  }

  private human(who: number): string {
    return humanOf(ACCOUNTS[who] ?? { iss: '', sub: '' });
  }

  /** The token that somebody shows now; without a number, the newest that they ever showed. */
  private shownBy(who: number, token?: number): { person: Person; issuedAt: number } {
    const tokens = this.tokens[who] ?? [];
    const known = this.shown.get(who);
    const shows = token === undefined ? known : (tokens[token] ?? tokens[0]);
    if (!shows) throw new Error('nobody without a token says anything');
    if (!known || known.issuedAt < shows.issuedAt) this.shown.set(who, shows);
    return shows;
  }

  private token(of: Omit<Person, 'groups'>, groups: readonly string[]) {
    return { person: { ...of, groups }, issuedAt: ++this.time };
  }
}

function isTaken(outcome: Session | Problem): boolean {
  return !isProblem(outcome);
}

test('by no sequence of calls is anything approved but by enough others, who are members at that moment', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        approvals,
        requester: account,
        given: fc.tuple(...ACCOUNTS.map(() => groups)),
        moves: fc.array(move, { minLength: 1, maxLength: 25 }),
      }),
      async ({ approvals, requester, given, moves }) => {
        const lab = new ConsentLab(approvals);
        const who = {
          iss: A,
          sub: 'nobody',
          ...ACCOUNTS[requester],
          groups: ['oncall', ...GROUPS],
        };
        const story = new Story(lab, await lab.ask(who), requester, given);
        for (const it of moves) {
          if (it.do === 'say') await story.say(it.words);
          else if (it.do === 'sign-in') await story.signIn(it.who, it.groups, it.isShown);
          else if (it.do === 'start') await story.start(it.who);
          else await story.wait();
          reached.add(story.session.state);
          if (story.session.escalatedAt) reached.add('widened');
        }
      },
    ),
    { numRuns: 1_500 },
  );
  // The stories are worth telling: they come to all of these.
  for (const state of ['pending', 'approved', 'denied', 'starting', 'widened']) {
    expect(reached).toContain(state);
  }
});
