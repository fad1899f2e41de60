import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PageParts } from '../../src/adapters/http/pages/page.door.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSlackLinks } from '../../src/adapters/prisma/prisma-slack.links.js';
import { LinkSlack } from '../../src/app/link-slack.js';
import { NotePerson } from '../../src/app/note-person.js';
import { Humans } from '../../src/domain/humans.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Api, Who } from '../support/http.api.js';
import { ROLE_GROUPS, startApi } from '../support/http.api.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

let fresh: TestDatabase;
let database: Database;
let linkSlack: LinkSlack;
let api: Api;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 3 }, () => undefined);
  const clock = new HandClock();
  const people = new PrismaPeople(database);
  linkSlack = new LinkSlack({
    links: new PrismaSlackLinks(database),
    note: new NotePerson({ people, clock, journal: new MemoryJournal() }),
    clock,
    roleGroups: ROLE_GROUPS,
    humans: new Humans([]),
    rules: { teamId: 'T0HALLPASS', signInMaxAgeSeconds: 3600, matchEmail: false },
  });
  api = await startApi({ deps: { pages: new PageParts(null, linkSlack) } });
});
afterAll(async () => {
  await api?.close();
  await database?.close();
  await fresh?.drop();
});

async function codeFor(userId: string): Promise<string> {
  const offered = await linkSlack.offer({
    teamId: 'T0HALLPASS',
    userId,
    name: `@${userId}`,
    isEmailConfirmed: false,
    isDeleted: false,
    isBot: false,
    isGuest: false,
    isStranger: false,
  });
  if (isProblem(offered)) throw new Error(offered.detail);
  return offered.path.replace(/^.*=/, '');
}

const tie = (who: Who, code: string) =>
  api.call('tieSlackAccount', { who, method: 'POST', path: '/v1/me/slack-links', body: { code } });
const list = (who: Who) => api.call('listSlackLinks', { who, path: '/v1/me/slack-links' });
const end = (who: Who, id: string) =>
  api.call('endSlackLink', { who, method: 'DELETE', path: `/v1/me/slack-links/${id}` });

test('a Slack account is tied by its code, listed, and not tied any more when its person says so', async () => {
  const tied = await tie('robin', await codeFor('U0ROBIN'));
  expect([tied.status, tied.body]).toEqual([
    201,
    {
      id: expect.any(String) as string,
      team: 'T0HALLPASS',
      user: 'U0ROBIN',
      name: '@U0ROBIN',
      linkedAt: expect.any(String) as string,
    },
  ]);
  expect((await list('robin')).body).toEqual({ items: [tied.body] });
  expect((await list('alex')).body).toEqual({ items: [] });
  expect((await end('alex', tied.body.id)).status).toBe(404);
  expect((await end('robin', tied.body.id)).body).toEqual(tied.body);
  expect((await list('robin')).body).toEqual({ items: [] });
  expect((await end('robin', tied.body.id)).status).toBe(404);
});

test('the command line ties an account by its link, lists it and ends it', async () => {
  await using home = await HallpassHome.make({ HALLPASS_TOKEN: 'sam', HALLPASS_SERVER: api.url });
  const hallpass = async (...args: string[]) => {
    const { code, stdout, stderr } = await home.run(['slack', ...args]);
    return { code, said: `${stdout.toString()}${stderr}` };
  };
  const link = `https://hallpass.example.com/link/slack?code=${await codeFor('U0SAM')}`;
  const tied = await hallpass('link', link);
  expect(tied).toMatchObject({ code: 0, said: expect.stringContaining('U0SAM') as string });
  const { items } = (await list('sam')).body;
  expect((await hallpass('list')).said).toContain(items[0].id);
  expect(await hallpass('unlink', items[0].id)).toMatchObject({ code: 0 });
  expect((await hallpass('list')).said).toContain('No Slack account speaks for you.');
  expect((await hallpass('link', link)).code).not.toBe(0);
});

test.each([
  ['that is none', 'x', 422, 'invalid-fields'],
  ['that was made up', '0'.repeat(43), 404, 'invalid-link-code'],
])('a code %s ties nothing', async (_, code, status, problem) => {
  const { body, ...answer } = await tie('robin', code);
  expect([answer.status, body.type]).toEqual([status, `urn:hallpass:problem:${problem}`]);
});

test('an account that is somebody’s is not tied to somebody else', async () => {
  await tie('robin', await codeFor('U0TAKEN'));
  const { status, body } = await tie('alex', await codeFor('U0TAKEN'));
  expect([status, body.type]).toEqual([409, 'urn:hallpass:problem:already-linked']);
});

test.each(['x', randomUUID(), '..%2f..', '%00'])('there is no link %s', async (id) => {
  expect((await end('robin', id)).status).toBe(404);
});

test('where Slack is not configured there are no links, and no pages without a client for browsers', async () => {
  await using plain = await closing(startApi());
  const links = await plain.call('listSlackLinks', { who: 'robin', path: '/v1/me/slack-links' });
  expect(links.status).toBe(404);
  for (const path of ['/sign-in', '/sign-in/callback?code=1', '/link/slack?code=1']) {
    expect((await plain.call('', { path })).status).toBe(path.startsWith('/link') ? 303 : 404);
  }
});

async function closing(starting: Promise<Api>): Promise<Api & AsyncDisposable> {
  const started = await starting;
  return { ...started, [Symbol.asyncDispose]: () => started.close() };
}
