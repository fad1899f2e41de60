import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostsLab } from '../support/posts.lab.js';
import { ALEX } from '../support/sessions.js';
import type { LabMessage } from '../support/slack.lab.js';

let lab: PostsLab;
beforeAll(async () => {
  lab = await PostsLab.open();
});
afterAll(() => lab.close());

async function inSecurity(): Promise<LabMessage> {
  const [message, ...more] = await lab.slack.messages(lab.security);
  if (!message || more.length > 0) throw new Error(`there are ${more.length + (message ? 1 : 0)}`);
  return message;
}

test('the message on broken glass says when its review is due, is due soon, overdue and done, and what is overdue is heard', async () => {
  let session = await lab.breakGlass();
  await lab.deliver();
  const first = await inSecurity();
  expect(JSON.stringify(first.blocks)).toContain('Its review is due ');

  session = await lab.run(session);
  session = await lab.step(session, 'stop', { endReason: 'left' });
  await lab.deliver();
  lab.clock.advance(3_000);
  await lab.look();
  expect(await lab.deliver()).toEqual(['incident']);
  expect(JSON.stringify((await inSecurity()).blocks)).toContain('*Its review is due soon*');
  expect(await lab.slack.thread(lab.security, first.ts)).toEqual([]);

  lab.clock.advance(601);
  await lab.look();
  expect(await lab.deliver()).toEqual(['incident']);
  expect(JSON.stringify((await inSecurity()).blocks)).toContain('*Its review is overdue*');
  const heard = async () =>
    (await lab.slack.thread(lab.security, first.ts)).map(({ text }) => text);
  expect(await heard()).toEqual(['Its review is overdue.']);
  await lab.look();
  expect(await lab.deliver()).toEqual([]);

  await lab.review(ALEX, session);
  expect(await lab.deliver()).toEqual(['review']);
  const done = await inSecurity();
  expect(done.ts).toBe(first.ts);
  expect(JSON.stringify(done.blocks)).toContain('Reviewed by `alex@example.com`: *justified*');
  expect(JSON.stringify(done.blocks)).not.toContain('overdue');
  expect(await heard()).toEqual(['Its review is overdue.']);
});
