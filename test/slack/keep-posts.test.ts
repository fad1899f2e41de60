import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session/session.js';
import { PostsLab } from '../support/posts.lab.js';
import { ALEX, ROBIN, SAM } from '../support/sessions.js';
import type { LabMessage } from '../support/slack.lab.js';

let lab: PostsLab;
beforeAll(async () => {
  lab = await PostsLab.open();
  lab.people.tie(ROBIN, await lab.slack.user('robin'));
  lab.people.tie(ALEX, await lab.slack.user('alex'));
});
afterAll(() => lab.close());

const MOVED = { image: 'busybox', startBy: new Date() };

/** The messages about a session in a channel. */
async function about(session: Session, channel = lab.approvals): Promise<LabMessage[]> {
  const messages = await lab.slack.messages(channel);
  return messages.filter((message) => JSON.stringify(message).includes(session.id));
}

async function only(session: Session, channel = lab.approvals): Promise<LabMessage> {
  const [message, ...more] = await about(session, channel);
  if (!message || more.length > 0) throw new Error(`there are ${more.length + (message ? 1 : 0)}`);
  return message;
}

function text(message: LabMessage): string {
  return JSON.stringify(message.blocks);
}

async function dmOf(name: string): Promise<string> {
  const dm = await lab.slack.api().openDm(await lab.slack.user(name));
  if ('refused' in dm) throw new Error(JSON.stringify(dm));
  return dm.channel;
}

describe('the message that asks for consent', () => {
  test('stays one message and says how the session stands, whatever changed it', async () => {
    let session = await lab.ask();
    await lab.keep(session);
    const asked = await only(session);
    expect(text(asked)).toContain('Waiting');
    expect(text(asked)).toContain(`"value":"${session.id}:1"`);

    session = await lab.say(ALEX, session, 'approve');
    await lab.keep(session);
    expect(text(await only(session))).toContain('given by `alex@example.com`');
    expect(text(await only(session))).toContain(`"value":"${session.id}:2"`);

    session = await lab.say(SAM, session, 'approve', 'go on');
    await lab.keep(session);
    const approved = await only(session);
    expect(text(approved)).toContain('*Approved* by `alex@example.com`, `sam@example.com`');
    expect(text(approved)).not.toContain('hallpass_approve');

    session = await lab.run(session);
    await lab.keep(session);
    expect(text(await only(session))).toContain('*Running* until');

    session = await lab.step(session, 'stop', { endReason: 'deadline' });
    await lab.keep(session);
    const ended = await only(session);
    expect(text(ended)).toContain('Ended: its time was up');
    expect(ended.ts).toBe(asked.ts);
  });

  test('says who consented, under it, once each', async () => {
    let session = await lab.ask();
    session = await lab.say(ALEX, session, 'approve');
    await lab.keep(session);
    session = await lab.say(SAM, session, 'deny', 'not <!channel> at night');
    await lab.keep(session);
    await lab.keep(session);
    const { ts } = await only(session);
    const said = await lab.slack.thread(lab.approvals, ts);
    expect(said.map(({ text: line }) => line)).toEqual([
      'alex@example.com approved',
      'sam@example.com refused',
    ]);
  });

  test('goes to those whom policy names, but for its requester', async () => {
    const grant = lab.grant();
    const require = [{ count: 1, groups: ['payments-leads'], users: ['alex', 'robin', 'nobody'] }];
    const terms = { ...grant.terms, approvals: { ...grant.terms.approvals, require } };
    const session = await lab.ask({ grant: { ...grant, terms } });
    await lab.keep(session);
    expect(text(await only(session, await dmOf('alex')))).toContain('hallpass_approve');
    const toRobin = await about(session, await dmOf('robin'));
    expect(toRobin.filter((message) => text(message).includes('hallpass_approve'))).toEqual([]);
  });

  test('is not sent for what nobody need agree to', async () => {
    const session = await lab.ask({ grant: lab.grant({}, 0) }, 'grant');
    await lab.keep(session);
    expect(await about(session)).toEqual([]);
  });

  test('leads to the page where a consent in Slack does not count', async () => {
    const grant = lab.grant();
    const slack = { ...grant.terms.slack, consent: 'page' as const };
    const session = await lab.ask({ grant: { ...grant, terms: { ...grant.terms, slack } } });
    await lab.keep(session);
    const message = text(await only(session));
    expect(message).not.toContain('hallpass_approve');
    expect(message).toContain(`https://hallpass.example/sessions/${session.id}`);
  });
});

describe('the requester', () => {
  test('is told of each step under a card that stays true, with the way in and how it ended', async () => {
    const dm = await dmOf('robin');
    let session = await lab.ask();
    await lab.keep(session);
    session = await lab.say(ALEX, session, 'approve');
    session = await lab.say(SAM, session, 'approve');
    await lab.keep(session);
    session = await lab.run(session);
    await lab.keep(session);
    const card = await only(session, dm);
    expect(text(card)).toContain(`hallpass connect ${session.id}`);
    expect(text(card)).toContain('hallpass_end');
    session = await lab.step(session, 'stop', { endReason: 'left' });
    await lab.keep(session);
    const over = await only(session, dm);
    expect(over.ts).toBe(card.ts);
    expect(text(over)).not.toContain('hallpass connect');
    expect(text(over)).toContain(`hallpass recording list ${session.id}`);
    const told = await lab.slack.thread(dm, over.ts);
    expect(told.map((message) => message.text)).toEqual([
      'Your session waits for consent.',
      'Your session is approved.',
      'Your session runs.',
      'Your session has ended.',
    ]);
  });
});

describe('an extension', () => {
  test('is told once the session has it, and where it comes to nothing', async () => {
    const dm = await dmOf('robin');
    const granted = lab.grant({}, 0);
    const terms = { ...granted.terms, extension: { times: 2, longestSeconds: 600 } };
    const grant = { ...granted, terms };
    const first = await lab.run(await lab.ask({ grant }, 'grant'));
    await lab.keep(first);
    let session = await lab.extend(first);
    await lab.keep(session);
    expect(text(await only(session, dm))).not.toContain('extended');
    session = await lab.step(session, 'unextend', { extension: null });
    await lab.keep(session);
    const card = await only(session, dm);
    expect(text(card)).not.toContain('extended');
    const told = await lab.slack.thread(dm, card.ts);
    expect(told.map((message) => message.text)).toEqual([
      'Your session runs.',
      'Your session could not be extended.',
    ]);
    session = await lab.extend(session);
    const container = { ...MOVED, name: session.extension?.container.name ?? '' };
    session = await lab.step(session, 'move', { extension: null, container });
    await lab.keep(session);
    expect(text(await only(session, dm))).toContain('extended 1×');
  });
});

describe('an account whose tie ends', () => {
  test('keeps nothing of the session but that it is told no more', async () => {
    const session = await lab.ask({ requester: SAM });
    lab.people.tie(SAM, await lab.slack.user('sam'));
    await lab.keep(session);
    const dm = await dmOf('sam');
    const { ts } = await only(session, dm);
    lab.people.users.clear();
    lab.people.tie(ROBIN, await lab.slack.user('robin'));
    lab.people.tie(ALEX, await lab.slack.user('alex'));
    await lab.keep(session);
    const left = (await lab.slack.messages(dm)).find((message) => message.ts === ts);
    expect(left?.text).toContain('any more');
    expect(await about(session, dm)).toEqual([]);
  });
});

describe('the security channel', () => {
  test('learns of broken glass, and of containers that do not end', async () => {
    const broken = await lab.ask({ grant: lab.grant() });
    await lab.keep(broken);
    expect(await about(broken, lab.security)).toEqual([]);
    let session = await lab.say(ALEX, broken, 'approve');
    session = await lab.say(SAM, session, 'approve');
    session = await lab.run(session);
    session = await lab.step(session, 'expire', { endReason: 'deadline' });
    session = await lab.step(session, 'overrun');
    await lab.keep(session);
    const alarm = await only(session, lab.security);
    expect(text(alarm)).toContain('Will not end');
    const under = await lab.slack.thread(lab.security, alarm.ts);
    expect(under.map((message) => message.text)).toEqual(['Its container does not end.']);
    session = await lab.step(session, 'finish');
    await lab.keep(session);
    expect(text(await only(session, lab.security))).not.toContain('Will not end');
  });
});
