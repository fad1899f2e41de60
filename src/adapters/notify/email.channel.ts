import type { Transporter } from 'nodemailer';
import { createTransport } from 'nodemailer';
import type { Notice, Told } from '../../app/ports/channel.js';
import { Channel, ChannelAway } from '../../app/ports/channel.js';
import type { ChannelOf } from '../../config/notifications.section.js';
import { noticeHtml } from './templates/notice.html.js';
import { cut, noticeLines } from '../../app/views/notice.lines.js';
import { noticeText } from './templates/notice.text.js';

const CONNECT_MS_MAX = 5_000;
const SOCKET_MS_MAX = 15_000;
const SUBJECT_CHARACTERS_MAX = 150;
/** What the configuration can mend: who signs in, whether at all, and how. */
const OURS: ReadonlySet<string> = new Set(['EAUTH', 'ETLS', 'ENOAUTH', 'EOAUTH2']);

/** E-mail by SMTP, in plain text and HTML. The mails of one session are one thread. */
export class EmailChannel extends Channel {
  readonly kind = 'email';
  readonly name: string;
  readonly fingerprint: string;
  private made:
    { readonly password: string | undefined; readonly transport: Transporter } | undefined;

  constructor(private readonly config: ChannelOf<'email'>) {
    super();
    this.name = config.name;
    this.fingerprint = config.fingerprint;
  }

  /** By the password as it is now. */
  private get transport(): Transporter {
    const password = this.config.auth?.password.reveal();
    if (this.made?.password === password && this.made) return this.made.transport;
    this.made?.transport.close();
    const { host, port, security, auth, caPem } = this.config;
    const transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(auth === null ? {} : { auth: { user: auth.user, pass: password ?? '' } }),
      tls: { minVersion: 'TLSv1.2', ...(caPem === null ? {} : { ca: caPem }) },
      connectionTimeout: CONNECT_MS_MAX,
      greetingTimeout: CONNECT_MS_MAX,
      socketTimeout: SOCKET_MS_MAX,
      // A notice is text: nothing in it is a file or an address to be read.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    this.made = { password, transport };
    return transport;
  }

  override async tell({ body, thread }: Notice, signal: AbortSignal): Promise<Told> {
    const { from, to, domain } = this.config;
    const root = `<${thread}@${domain}>`;
    const sent = this.transport.sendMail({
      from,
      to: [...to],
      // One line: nothing that a person wrote may begin a header of its own.
      subject: cut(noticeLines(body).headline, SUBJECT_CHARACTERS_MAX),
      text: noticeText(body),
      html: noticeHtml(body),
      messageId: `<${body.id}.${this.name}@${domain}>`,
      inReplyTo: root,
      references: [root],
      date: new Date(body.at),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    });
    try {
      await bounded(sent, signal);
      return 'taken';
    } catch (error) {
      return refusalOf(error) ?? away(error);
    }
  }

  override close(): Promise<void> {
    this.made?.transport.close();
    return Promise.resolve();
  }
}

/** Whoever is not heard of in time may have taken it: then it comes again, with the same Message-ID. */
async function bounded<T>(sent: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const give = (): void => reject(new ChannelAway('the mail server does not answer in time'));
  signal.addEventListener('abort', give, { once: true });
  if (signal.aborted) give();
  try {
    return await Promise.race([sent, promise]);
  } finally {
    signal.removeEventListener('abort', give);
    sent.catch(() => undefined);
  }
}

/** A permanent failure (5yz, RFC 5321 §4.2.1) of this mail, and not of how we come to the server. */
function refusalOf(error: unknown): Told | undefined {
  const { code, responseCode } = facts(error);
  if (OURS.has(code) || responseCode < 500 || responseCode === 530) return undefined;
  return { refused: `the mail server answered ${responseCode}` };
}

function away(error: unknown): never {
  if (error instanceof ChannelAway) throw error;
  const { code, responseCode } = facts(error);
  const words = responseCode > 0 ? `answered ${responseCode}` : `does not take it (${code})`;
  throw new ChannelAway(`the mail server ${words}`, undefined, error);
}

function facts(error: unknown): { readonly code: string; readonly responseCode: number } {
  const read = (key: string): unknown => (error instanceof Error ? Reflect.get(error, key) : null);
  const [code, responseCode] = [read('code'), read('responseCode')];
  return {
    code: typeof code === 'string' ? code : 'unknown',
    responseCode: typeof responseCode === 'number' ? responseCode : 0,
  };
}
