import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MatchSlackPeople } from '../../src/app/match-slack-people.js';
import type { Person } from '../../src/domain/person.js';
import type { SlackUser } from '../../src/domain/slack-user.js';
import { HandClock, MemoryPeople } from '../support/in-memory.ports.js';
import { KnownSlackPeople } from '../support/posts.lab.js';
import { ALEX, ROBIN, SAM } from '../support/sessions.js';
import { SlackLab } from '../support/slack.lab.js';

let slack: SlackLab;
beforeAll(async () => {
  slack = await SlackLab.open();
});
afterAll(() => slack.close());

let tied: KnownSlackPeople;
let clock: HandClock;
let people: MemoryPeople;
let owners: Map<string, Person>;
let matching: MatchSlackPeople;

beforeEach(async () => {
  [tied, clock, people] = [new KnownSlackPeople(), new HandClock(), new MemoryPeople()];
  owners = new Map([[await slack.user('robin'), ROBIN]]);
  for (const person of [ROBIN, ALEX, SAM]) await people.seen(person, clock.now());
  const speaksFor = ({ userId }: SlackUser) => Promise.resolve(owners.get(userId));
  matching = new MatchSlackPeople({ tied, people, api: slack.api(), speaksFor, clock });
});

test('somebody whose account is not tied is found by their e-mail', async () => {
  const robin = await slack.user('robin');
  expect(await matching.userOf(ROBIN)).toBe(robin);
  expect(await matching.usersNamed(['robin'])).toEqual([robin]);
  expect(await matching.usersNamed(['https://id.example|robin', 'nobody'])).toEqual([robin]);
});

test('an account that speaks for nobody, or for another, is nobody’s', async () => {
  expect(await matching.userOf(ALEX)).toBeUndefined();
  owners.set(await slack.user('alex'), SAM);
  clock.advance(3_600);
  expect(await matching.userOf(ALEX)).toBeUndefined();
});

test('the account that is tied comes before the one that has the e-mail', async () => {
  tied.tie(ROBIN, 'U0OTHER');
  expect(await matching.userOf(ROBIN)).toBe('U0OTHER');
  expect(await matching.usersNamed(['robin'])).toEqual(['U0OTHER']);
});

test('Slack is asked once in ten minutes, and what it cannot say now is asked again', async () => {
  const asked = () => slack.count('users.lookupByEmail');
  const before = asked();
  slack.fail('users.lookupByEmail', { status: 503 });
  await expect(matching.userOf(ROBIN)).rejects.toThrow('Slack');
  await matching.userOf(ROBIN);
  await matching.userOf(ROBIN);
  expect(asked() - before).toBe(2);
  clock.advance(601);
  await matching.userOf(ROBIN);
  expect(asked() - before).toBe(3);
});
