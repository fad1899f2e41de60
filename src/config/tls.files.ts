import { createPrivateKey, X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { CA, SECRET_FILE_BYTES_MAX, textIn } from './secret.files.js';
import { stampOf } from './watched.file.js';

/** A certificate and its key, PEM. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** What is served with. It becomes another one when its files hold another one that is right. */
export class TlsPair {
  private readonly listeners = new Set<(texts: TlsTexts) => void>();
  private certificate: X509Certificate;

  constructor(private texts: TlsTexts) {
    this.certificate = new X509Certificate(texts.cert);
  }

  current(): TlsTexts {
    return this.texts;
  }

  /** When it begins and ceases to be valid. */
  get validFrom(): Date {
    return new Date(this.certificate.validFrom);
  }

  get validTo(): Date {
    return new Date(this.certificate.validTo);
  }

  /** Calls `listener` with each that takes its place. */
  onRenewed(listener: (texts: TlsTexts) => void): void {
    this.listeners.add(listener);
  }

  /** @returns why these do not take its place, as a sentence. */
  renew(texts: TlsTexts, now: Date): string | undefined {
    const wrong = wrongWith(texts);
    if (wrong) return `${wrong.key}: ${wrong.message}`;
    const { validFrom, validTo } = new X509Certificate(texts.cert);
    if (new Date(validTo) <= now) return `certFile: its certificate has expired on ${validTo}`;
    if (new Date(validFrom) > now)
      return `certFile: its certificate is not valid before ${validFrom}`;
    this.texts = texts;
    this.certificate = new X509Certificate(texts.cert);
    for (const listener of this.listeners) listener(texts);
    return undefined;
  }
}

/**
 * The section `server.tls` with its files read; null where there is none, or where they are wrong, which `mistakes` tells.
 * A certificate that has expired is no mistake: sessions must end whatever browsers think of us.
 */
export function tlsOf(
  { server }: Pick<ConfigDocument, 'server'>,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): TlsPair | null {
  const { tls, caFile } = server;
  if (caFile !== undefined) textIn(caFile, CA, ['server', 'caFile'], sources, mistakes);
  if (!tls) return null;
  const paths = [tls.certFile, tls.keyFile].map((file) => resolve(sources.folder, file));
  const [cert, key] = paths.map((path) => readBounded(path, SECRET_FILE_BYTES_MAX));
  if (typeof cert !== 'string' || typeof key !== 'string') {
    for (const [at, text] of Object.entries({ certFile: cert, keyFile: key })) {
      if (text instanceof Unreadable) tell(at, text.message);
    }
    return null;
  }
  const wrong = wrongWith({ cert, key });
  if (wrong) {
    tell(wrong.key, wrong.message);
    return null;
  }
  const pair = new TlsPair({ cert, key });
  sources.files.push({
    key: 'server.tls',
    paths,
    stamp: stampOf([cert, key]),
    renew: ([certNow = '', keyNow = '']) => pair.renew({ cert: certNow, key: keyNow }, new Date()),
  });
  return pair;

  function tell(at: string, message: string): void {
    const path = ['server', 'tls', at];
    mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message });
  }
}

/** What is wrong with a certificate and its key, whatever the time is. */
function wrongWith({
  cert,
  key,
}: TlsTexts): { readonly key: 'certFile' | 'keyFile'; readonly message: string } | undefined {
  const certificate = attempt(() => new X509Certificate(cert));
  if (!certificate) return { key: 'certFile', message: 'holds no certificate in PEM' };
  const privateKey = attempt(() => createPrivateKey(key));
  if (!privateKey) {
    return {
      key: 'keyFile',
      message: 'holds no private key in PEM that can be read without a passphrase',
    };
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    return { key: 'keyFile', message: 'is not the key of the certificate in server.tls.certFile' };
  }
  // The rest of the chain, and whether OpenSSL thinks the key strong enough, is seen by serving with them alone.
  return attempt(() => createSecureContext({ cert, key }))
    ? undefined
    : {
        key: 'certFile',
        message: 'cannot be served with: a certificate of its chain is broken, or its key too weak',
      };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
