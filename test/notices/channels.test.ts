import type { SMTPServerOptions } from 'smtp-server';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { GuardedPost, retryAfterMs } from '../../src/adapters/notify/guarded.post.js';
import type { Notice } from '../../src/app/ports/channel.js';
import { ChannelAway } from '../../src/app/ports/channel.js';
import type { ChannelConfig } from '../../src/config/notifications.section.js';
import { Secret } from '../../src/config/secret.js';
import { noticeRow } from '../../src/domain/notice/notice.kinds.js';
import type { NoticeKind } from '../../src/domain/notice/notice.kinds.js';
import { channelOf } from '../../src/notice.channels.js';
import { certificate, httpReceiver } from '../support/sink.receivers.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const AT = '2026-11-28T03:00:00.000Z';
const never = new AbortController().signal;
const common = { name: 'box', fingerprint: 'f', caPem: null, allowPrivate: true } as const;

let pair: { key: string; cert: string };
beforeAll(async () => {
  pair = await certificate();
});

function notice(kind: NoticeKind = 'break-glass', over: Partial<Notice> = {}): Notice {
  const { urgency, title, sentence } = noticeRow(kind);
  return {
    id: 7n,
    kind,
    thread: 'session-0123456789abcdef',
    alarm: urgency === 'wake' ? `${kind}-0123456789abcdef` : null,
    closes: [],
    body: {
      id: 'notice_7',
      kind,
      urgency,
      title,
      sentence,
      at: AT,
      cluster: 'prod',
      namespace: 'payments',
      session: null,
      details: { why: 'ok\r\nBcc: everybody@example.com\r\n\r\n<b>hello</b>' },
      url: 'https://hallpass.example.com/sessions/0123456789abcdef',
    },
    ...over,
  };
}

function channel(config: ChannelConfig) {
  const made = channelOf(config);
  onTestFinished(() => made.close());
  return made;
}

const webhook = (port: number, over: object = {}) =>
  channel({
    ...common,
    kind: 'webhook',
    url: `http://127.0.0.1:${port}/hook`,
    secret: new Secret(SECRET),
    ...over,
  });

async function receiver(status: number, headers: Record<string, string> = {}) {
  const opened = await httpReceiver(() => ({ status, headers }));
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

const failure = (told: Promise<unknown>) =>
  told.then(
    () => undefined,
    (error: unknown) => (error instanceof ChannelAway ? error : undefined),
  );

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
    const post = new GuardedPost(`http://rebinding.example:${port}/`, {
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
    const post = new GuardedPost(`http://hooks.example:${port}/`, {
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

describe('e-mail', () => {
  interface Mail {
    readonly raw: string;
    readonly from: string;
    readonly to: readonly string[];
    readonly isSecure: boolean;
    readonly user: unknown;
  }

  async function mailServer(options: SMTPServerOptions = {}) {
    const mails: Mail[] = [];
    const server = new SMTPServer({
      authOptional: true,
      ...pair,
      onAuth: ({ username, password }, _session, done) => {
        if (password === 'pass') done(null, { user: username });
        else done(new Error('no'));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            raw: Buffer.concat(chunks).toString('utf8'),
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            isSecure: session.secure,
            user: session.user,
          });
          done();
        });
      },
      ...options,
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
    return { mails, port: (server.server.address() as AddressInfo).port };
  }

  const mail = (port: number, over: Partial<Extract<ChannelConfig, { kind: 'email' }>> = {}) =>
    channel({
      name: 'mail',
      fingerprint: 'f',
      kind: 'email',
      caPem: pair.cert,
      host: 'localhost',
      port,
      security: 'starttls',
      auth: { user: 'hallpass', password: new Secret('pass') },
      from: 'hallpass@example.com',
      to: ['security@example.com', 'oncall@example.com'],
      domain: 'example.com',
      ...over,
    });

  test('goes over TLS, signed in, plain and as HTML, as an answer of nobody to nobody', async () => {
    const { mails, port } = await mailServer();
    expect(await mail(port).tell(notice(), never)).toBe('taken');
    const [it] = mails;
    expect(it).toMatchObject({
      from: 'hallpass@example.com',
      to: ['security@example.com', 'oncall@example.com'],
      isSecure: true,
      user: 'hallpass',
    });
    expect(it?.raw).toMatch(/^Subject: Hallpass: The glass was broken: payments in prod\r$/m);
    expect(it?.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(it?.raw).toMatch(/^Message-ID: <notice_7\.mail@example\.com>\r$/m);
    expect(it?.raw).toMatch(/^References: <session-0123456789abcdef@example\.com>\r$/m);
    expect(it?.raw).toMatch(/^Content-Type: text\/plain/m);
    expect(it?.raw).toMatch(/^Content-Type: text\/html/m);
  });

  test('has no header, recipient or tag that somebody wrote', async () => {
    const { mails, port } = await mailServer();
    const hostile = notice();
    const title = 'x\r\nBcc: everybody@example.com\r\n\r\nhello';
    await mail(port).tell(
      { ...hostile, body: { ...hostile.body, title, namespace: 'a\nTo: b' } },
      never,
    );
    const head = mails[0]?.raw.split('\r\n\r\n')[0] ?? '';
    expect(head).not.toMatch(/^(Bcc|To: b)/m);
    expect(head.match(/^To: /gm)).toHaveLength(1);
    expect(mails[0]?.to).toHaveLength(2);
    expect(mails[0]?.raw.split('text/html')[1]).not.toContain('<b>');
  });

  test('is not sent to a server that has no TLS, nor to one whose certificate is another one', async () => {
    const plain = await mailServer({ disabledCommands: ['STARTTLS'] });
    expect(await failure(mail(plain.port).tell(notice(), never))).toBeInstanceOf(ChannelAway);
    const strange = await mailServer();
    const told = mail(strange.port, { caPem: null }).tell(notice(), never);
    expect(await failure(told)).toBeInstanceOf(ChannelAway);
    expect([...plain.mails, ...strange.mails]).toEqual([]);
  });

  test('that is refused for good is buried; what may pass, or is ours to mend, is tried again', async () => {
    const answering = (responseCode: number) =>
      mailServer({
        onRcptTo: (_address, _session, done) =>
          done(Object.assign(new Error('no'), { responseCode })),
      });
    const { port: never550 } = await answering(550);
    expect(await mail(never550).tell(notice(), never)).toEqual({
      refused: 'the mail server answered 550',
    });
    const { port: later450 } = await answering(450);
    const away = await failure(mail(later450).tell(notice(), never));
    expect(away?.words).toBe('the mail server answered 450');
    const { port } = await mailServer();
    const wrong = { user: 'hallpass', password: new Secret('wrong') };
    const refused = await failure(mail(port, { auth: wrong }).tell(notice(), never));
    expect(refused?.words).toMatch(/answered 535/);
    expect(String(refused?.cause)).not.toContain('wrong');
  });

  test('to a server that says nothing is given up in time', async () => {
    const silent = await mailServer({ onConnect: () => undefined });
    const told = mail(silent.port).tell(notice(), AbortSignal.timeout(200));
    expect((await failure(told))?.words).toMatch(/does not answer in time/);
  });
});
