import type { AddressInfo } from 'node:net';
import type { SMTPServerOptions } from 'smtp-server';
import { SMTPServer } from 'smtp-server';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ChannelAway } from '../../src/app/ports/channel.js';
import type { ChannelConfig } from '../../src/config/notifications.section.js';
import { Secret } from '../../src/config/secret.js';
import { certificate } from '../support/sink.receivers.js';
import { channel, failure, never, notice } from './channel.lab.js';

let pair: { key: string; cert: string };
beforeAll(async () => {
  pair = await certificate();
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
