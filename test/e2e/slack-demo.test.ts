import '../support/needs.containers.js';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ShownChannel, SlackState } from '../../sandbox/slack/slack.state.js';
import { startBrowser } from '../support/browser.js';
import { Program } from '../support/program.js';

const HOSTILE = '<!channel> <img src=x onerror=alert(1)> *&amp;* <https://evil.example|here>';

let folder: string;
let demo: Program;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-slack-demo-'));
  // For root's PostgreSQL too, which runs as somebody else.
  await chmod(folder, 0o1777);
  demo = new Program('sandbox/demo.ts', ['--slack'], { NO_COLOR: '1', TMPDIR: folder });
  await demo.says(/stays up/);
  url = /Open this page +(http:\S+)/.exec(stripVTControlCharacters(demo.stdout))?.[1] ?? '';
}, 90_000);
afterAll(async () => {
  await demo?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function channel(title: string): Promise<ShownChannel> {
  const state = (await (await fetch(`${url}/state`)).json()) as SlackState;
  const found = state.channels.find((one) => one.title.includes(title));
  if (!found) throw new Error(`there is no ${title}`);
  return found;
}

const wordsIn = (part: object): string => JSON.stringify(part);

/** The page, in a real browser, and whatever it does that it should not. */
async function opened(): Promise<AsyncDisposable & { page: Page; amiss: string[] }> {
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
  const amiss: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) amiss.push(request.url());
  });
  page.on('console', (message) => amiss.push(message.text()));
  page.on('pageerror', (error) => amiss.push(error.message));
  page.on('dialog', (dialog) => {
    amiss.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, amiss, [Symbol.asyncDispose]: () => browser.close() };
}

async function picture(page: Page, name: string): Promise<void> {
  const pictures = process.env['HALLPASS_PICTURES'];
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** What the server says to a request that no page of its own makes. */
async function statusFor(path: string, init: RequestInit): Promise<number> {
  return (await fetch(`${url}${path}`, init)).status;
}

test('the story is told from asking to its end, and the channels say how each session stands', async () => {
  expect(demo.stdout).not.toContain('could not be told');
  const [request, ...others] = (await channel('#approvals')).messages;
  expect(others).toEqual([]);
  expect(request).toMatchObject({ by: 'Hallpass', isEdited: true, onlyFor: null });
  for (const words of ['pool exhausted', 'INC-4711', 'Ended by its requester']) {
    expect(wordsIn(request!.blocks)).toContain(words);
  }
  expect(wordsIn(request!.blocks)).not.toContain('hallpass_approve');
  expect(request!.thread.map(wordsIn)).toEqual([expect.stringContaining('approved')]);

  const [card, second] = (await channel('to Robin')).messages;
  expect(wordsIn(card!.blocks)).toContain('hallpass recording list');
  expect(card!.thread.map(({ text }) => text)).toEqual(
    expect.arrayContaining(['Your session is extended.', 'Your session has ended.']),
  );
  expect(wordsIn(second!.blocks)).toContain('hallpass connect');
  expect(wordsIn((await channel('to Alex')).messages)).toContain('Ended by its requester');
  const security = (await channel('#security')).messages;
  expect(security).toHaveLength(1);
  expect(wordsIn(security)).toContain('The glass was broken');
});

test('whoever looks can ask, consent and end on the page, and what they write is text', async () => {
  await using seen = await opened();
  const { page, amiss } = seen;
  const modal = page.locator('#modal');
  await page.selectOption('#as', 'robin');
  await page.fill('#typed', `/debug payments/checkout 20m ${HOSTILE}`);
  await page.click('#debug button');
  await modal.getByLabel('Profile').click();
  await modal.getByRole('button', { name: 'shell' }).click();
  await modal.getByLabel('For how long').fill('soon');
  await modal.getByRole('button', { name: 'Ask' }).click();
  await modal.getByText('Write a duration').waitFor();
  await picture(page, 'slack-form');
  expect(await modal.getByLabel('Why').inputValue()).toBe(HOSTILE);
  await modal.getByLabel('For how long').fill('20m');
  await modal.getByRole('button', { name: 'Ask' }).click();
  await modal.getByText('Waiting').waitFor();
  await modal.getByRole('button', { name: 'Close' }).click();

  await page.selectOption('#as', 'alex');
  const request = page.getByLabel('#approvals').locator('article').last();
  await request.getByRole('button', { name: 'Approve' }).waitFor();
  expect(await request.locator('blockquote').first().textContent()).toBe(HOSTILE);
  await request.getByRole('button', { name: 'Approve' }).click();
  await request.getByText('Running').waitFor();
  await request.locator('.reply').getByText('approved').waitFor();
  await picture(page, 'slack');

  const card = page.getByLabel('Hallpass to Robin').locator('article').last();
  await card.getByRole('button', { name: 'End', exact: true }).click();
  await request.getByText('Ended by its requester').waitFor();
  expect(await page.locator('img, .mention, a[href*="evil"]').count()).toBe(0);
  expect(amiss).toEqual([]);
}, 60_000);

test('who never tied their account is offered the link, and what is wrong with a command is told to them alone', async () => {
  await using seen = await opened();
  const { page, amiss } = seen;
  await page.selectOption('#as', 'audrey');
  await page.click('#debug button');
  const tie = page.locator('#modal').getByText('Tie this account');
  expect(await tie.getAttribute('href')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/link\/slack\?code=/);
  await page.locator('#modal').getByRole('button', { name: 'Close' }).click();
  await page.selectOption('#as', 'robin');
  await page.fill('#typed', 'a/b/c/d');
  await page.click('#debug button');
  const told = page.getByLabel('Hallpass to Robin').locator('article').last();
  await told.getByText('Only robin sees this').waitFor();
  expect(amiss).toEqual([]);
}, 30_000);

test('other sites can neither press anything on the page, nor read it by a name that they lead to it', async () => {
  const body = JSON.stringify({ as: 'robin', text: 'payments/checkout' });
  const json = { 'content-type': 'application/json' };
  const post = (headers: Record<string, string>, sent = body): RequestInit => ({
    method: 'POST',
    headers,
    body: sent,
  });
  expect(await statusFor('/command', post(json))).toBe(403);
  const other = { ...json, origin: 'http://evil.example' };
  expect(await statusFor('/command', post(other))).toBe(403);
  const simple = { origin: url, 'content-type': 'text/plain' };
  expect(await statusFor('/command', post(simple))).toBe(415);
  const own = { ...json, origin: url };
  expect(await statusFor('/command', post(own, '{"as":"nobody","text":""}'))).toBe(404);
  expect(await statusFor('/command', post(own, '{"as":"robin"}'))).toBe(422);
  expect(await statusFor('/../package.json', {})).toBe(404);
  const status = await new Promise((resolve, reject) => {
    get(`${url}/state`, { headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  expect(status).toBe(421);
});

test('at Ctrl-C all of it is gone', async () => {
  demo.signal('SIGINT');
  expect(await demo.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await readdir(folder), 'what it leaves behind').toEqual([]);
}, 30_000);
