import { Webhook } from 'standardwebhooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GuardedPost, retryAfterMs } from '../../src/adapters/notify/guarded.post.js';
import { ChannelAway } from '../../src/app/ports/channel.js';
import { Secret } from '../../src/config/secret.js';
import { httpReceiver } from '../support/sink.receivers.js';
import { AT, channel, failure, never, notice, receiver } from './channel.lab.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const common = { name: 'box', fingerprint: 'f', caPem: null, allowPrivate: true } as const;

const webhook = (port: number, over: object = {}) =>
  channel({
    ...common,
    kind: 'webhook',
    url: `http://127.0.0.1:${port}/hook`,
    secret: new Secret(SECRET),
    ...over,
  });

describe('a webhook', () => {
  test('gets what the standard package verifies, under the same id each time', async () => {
    const { posts, port } = await receiver(204);
    const it = webhook(port);
    expect(await it.tell(notice(), never)).toBe('taken');
    expect(await it.tell(notice(), never)).toBe('taken');
    const verifier = new Webhook(SECRET);
    for (const { headers, body } of posts) {
      const sent = verifier.verify(body, headers as Record<string, string>);
      expect(sent).toMatchObject({
        type: 'hallpass.break-glass',
        timestamp: AT,
        data: { id: 'notice_7', urgency: 'wake' },
      });
      expect(() => verifier.verify(`${body} `, headers as Record<string, string>)).toThrow();
    }
    expect(posts.map(({ headers }) => headers['webhook-id'])).toEqual(['notice_7', 'notice_7']);
  });

  test('that answers 410 is gone', async () => {
    const { port } = await receiver(410);
    expect(await webhook(port).tell(notice(), never)).toHaveProperty('gone');
  });

  test.each([400, 413, 422])('that answers %i refuses the notice', async (status) => {
    const { port } = await receiver(status);
    const answer = await webhook(port).tell(notice(), never);
    expect(answer).toEqual({ refused: `the receiver answered ${status}` });
  });

  test.each([301, 302, 307, 401, 404, 429, 500, 503])(
    'that answers %i is tried again, and led nowhere',
    async (status) => {
      const elsewhere = await receiver(200);
      const { port } = await receiver(status, {
        location: `http://127.0.0.1:${elsewhere.port}/`,
        'retry-after': '120',
      });
      const away = await failure(webhook(port).tell(notice(), never));
      expect(away?.afterMs).toBe(120_000);
      expect(elsewhere.posts).toEqual([]);
    },
  );

  test('nobody answers at is away', async () => {
    const { port, ...opened } = await httpReceiver(() => ({ status: 200 }));
    await opened[Symbol.asyncDispose]();
    expect(await failure(webhook(port).tell(notice(), never))).toBeInstanceOf(ChannelAway);
  });
});

describe('the guard of addresses', () => {
  const NOT_PUBLIC = /not of the public Internet/;

  test.each(['http://127.0.0.1', 'https://10.0.0.1', 'https://[::1]', 'https://169.254.169.254'])(
    'does not dial %s',
    async (url) => {
      const away = await failure(webhook(1, { url, allowPrivate: false }).tell(notice(), never));
      expect(away?.words).toMatch(NOT_PUBLIC);
    },
  );

  test.each(['http://2130706433', 'http://0x7f.1', 'http://017700000001'])(
    'is not led astray by another way to write an address, %s',
    async (url) => {
      const away = await failure(webhook(1, { url, allowPrivate: false }).tell(notice(), never));
      expect(away?.words).toMatch(NOT_PUBLIC);
    },
  );

  test('does not dial a name that leads inside, not even among others, nor one that changes in between', async () => {
    const { posts, port } = await receiver(200);
    let asked = 0;
    const post = new GuardedPost(() => `http://rebinding.example:${port}/`, {
      allowPrivate: false,
      caPem: null,
      lookup: (_name, _options, callback) => {
        asked += 1;
        const inside = { address: '127.0.0.1', family: 4 };
        callback(null, asked === 1 ? [{ address: '93.184.216.34', family: 4 }, inside] : [inside]);
      },
    });
    onTestFinished(() => post.close());
    for (let tries = 0; tries < 2; tries++) {
      expect((await failure(post.post('{}', {}, never)))?.words).toMatch(NOT_PUBLIC);
    }
    expect(posts).toEqual([]);
  });

  test('dials the very address that it looked at, and asks no second time', async () => {
    const { posts, port } = await receiver(200);
    let asked = 0;
    const post = new GuardedPost(() => `http://hooks.example:${port}/`, {
      allowPrivate: true,
      caPem: null,
      lookup: (_name, _options, callback) => {
        asked += 1;
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    onTestFinished(() => post.close());
    await post.post('{}', {}, never);
    expect({ asked, posts: posts.length }).toEqual({ asked: 1, posts: 1 });
  });

  test('reads how long to wait as seconds and as an instant', () => {
    const now = Date.parse('2026-11-28T03:00:00Z');
    expect(retryAfterMs('30', now)).toBe(30_000);
    expect(retryAfterMs('Sat, 28 Nov 2026 03:01:00 GMT', now)).toBe(60_000);
    expect(retryAfterMs('Sat, 28 Nov 2026 02:00:00 GMT', now)).toBe(0);
    for (const odd of ['-1', '1e9', 'soon', '', undefined, ['1']]) {
      expect(retryAfterMs(odd, now)).toBeUndefined();
    }
  });
});

describe('PagerDuty', () => {
  const pager = (port: number) =>
    channel({
      ...common,
      kind: 'pagerduty',
      url: `http://127.0.0.1:${port}/v2/enqueue`,
      routingKey: new Secret('R'.repeat(32)),
    });
  const sent = (posts: readonly { body: string }[]) =>
    posts.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

  test('raises an alarm, and resolves the same one when it is over', async () => {
    const { posts, port } = await receiver(202);
    const it = pager(port);
    expect(await it.tell(notice(), never)).toBe('taken');
    const alarm = notice().alarm ?? '';
    expect(await it.tell(notice('session.ended', { closes: [alarm] }), never)).toBe('taken');
    const [trigger, resolve] = sent(posts);
    expect(trigger).toMatchObject({
      routing_key: 'R'.repeat(32),
      event_action: 'trigger',
      payload: { severity: 'critical', source: 'prod', timestamp: AT, class: 'break-glass' },
    });
    expect(resolve).toMatchObject({
      event_action: 'resolve',
      dedup_key: trigger?.['dedup_key'],
    });
  });

  test('sends nothing for what is no alarm and ends none, and resolves a test by itself', async () => {
    const { posts, port } = await receiver(202);
    expect(await pager(port).tell(notice('session.started'), never)).toBe('taken');
    expect(posts).toEqual([]);
    await pager(port).tell(notice('test', { alarm: 'test-1' }), never);
    expect(sent(posts).map((it) => it['event_action'])).toEqual(['trigger', 'resolve']);
  });

  test('that asks for patience gets it', async () => {
    const { port } = await receiver(429, { 'retry-after': '9' });
    expect((await failure(pager(port).tell(notice(), never)))?.afterMs).toBe(9_000);
  });
});

describe('Microsoft Teams', () => {
  const teams = (port: number) =>
    channel({
      ...common,
      kind: 'teams',
      workflowUrl: new Secret(`http://127.0.0.1:${port}/workflows/x?sig=s`),
    });

  test('gets an Adaptive Card 1.4 with one link, which is ours', async () => {
    const { posts, port } = await receiver(202);
    expect(await teams(port).tell(notice(), never)).toBe('taken');
    expect(posts[0]?.path).toBe('/workflows/x?sig=s');
    expect(JSON.parse(posts[0]?.body ?? '')).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            type: 'AdaptiveCard',
            version: '1.4',
            actions: [{ type: 'Action.OpenUrl', url: notice().body.url }],
          },
        },
      ],
    });
  });

  test('whose workflow was removed is gone', async () => {
    const { port } = await receiver(410);
    expect(await teams(port).tell(notice(), never)).toHaveProperty('gone');
  });
});
