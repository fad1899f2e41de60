import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { RotatingFiles } from '../adapters/files/rotating.files.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import type { Config } from './config.schema.js';
import { loadConfig } from './load.config.js';

const hook = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const db = (password: string) => `postgresql://hallpass:${password}@db.example.com/hallpass`;
const LONG = 'a-token-that-nobody-guesses-0123456789';

/** A file that the configuration names: what it holds, what it may become, and what it must not. */
interface Case {
  readonly key: string;
  readonly file: string;
  readonly good: string;
  /** Undefined: it is read at the start alone. */
  readonly next?: string;
  /** Undefined: whatever it holds is taken. */
  readonly wrong?: string;
  /** What the program then uses. */
  readonly used?: (config: Config) => string | undefined;
}

const CASES: readonly Case[] = [
  {
    key: 'database.urlFile',
    file: 'database-url',
    good: db('one'),
    next: db('two'),
    wrong: 'mysql://db.example.com',
    used: ({ database }) => database.url.reveal(),
  },
  {
    key: 'audit.keyFiles[0]',
    file: 'audit.key',
    good: makeKey('log.example').signer,
    wrong: 'no key',
  },
  {
    key: 'audit.anchors[0].secretFile',
    file: 'anchor',
    good: hook(1),
    next: hook(2),
    wrong: 'whsec_short',
    used: ({ audit: { anchors } }) =>
      anchors[0]?.kind === 'webhook' ? anchors[0].secret?.reveal() : undefined,
  },
  {
    key: 'audit.sinks[0].secretFile',
    file: 'sink',
    good: 'token-1',
    next: 'token-2',
    wrong: 'two words',
    used: ({ audit: { sinks } }) =>
      sinks[0]?.kind === 'splunk' ? sinks[0].token.reveal() : undefined,
  },
  { key: 'audit.sinks[0].caFile', file: 'sink-ca', good: '', wrong: 'anything' },
  {
    key: 'recordings.s3.secretAccessKeyFile',
    file: 's3',
    good: 'key-1',
    next: 'key-2',
    used: ({ recordings }) => recordings.s3?.secretAccessKey?.reveal(),
  },
  {
    key: 'identity.issuers[0].web.clientSecretFile',
    file: 'web',
    good: 'client-1',
    next: 'client-2',
    wrong: 'ümlaut',
    used: ({ webClients }) => webClients[0]?.clientSecret?.reveal(),
  },
  {
    key: 'clusters[0].audit.tokenFile',
    file: 'kube-audit',
    good: `${LONG}-1`,
    next: `${LONG}-2`,
    wrong: 'short',
    used: ({ clusterAudits }) => clusterAudits[0]?.token?.reveal(),
  },
  {
    key: 'onCall.secrets[0].valueFile',
    file: 'on-call',
    good: 'on-call-1',
    next: 'on-call-2',
    wrong: 'two\nlines',
    used: ({ onCall }) => onCall.secrets.get('pager')?.value.reveal(),
  },
  {
    key: 'notifications.channels[0].secretFile',
    file: 'channel-hook',
    good: hook(3),
    next: hook(4),
    wrong: 'none',
    used: ({ notifications: { channels } }) =>
      channels[0]?.kind === 'webhook' ? channels[0].secret.reveal() : undefined,
  },
  {
    key: 'notifications.channels[1].secretFile',
    file: 'teams',
    good: 'https://teams.example.com/1',
    next: 'https://teams.example.com/2',
    wrong: 'http://teams.example.com/',
    used: ({ notifications: { channels } }) =>
      channels[1]?.kind === 'teams' ? channels[1].workflowUrl.reveal() : undefined,
  },
  {
    key: 'notifications.channels[2].secretFile',
    file: 'mail',
    good: 'mail-1',
    next: 'mail-2',
    wrong: 'x'.repeat(2_000),
    used: ({ notifications: { channels } }) =>
      channels[2]?.kind === 'email' ? channels[2].auth?.password.reveal() : undefined,
  },
  {
    key: 'notifications.channels[3].secretFile',
    file: 'pagerduty',
    good: 'a'.repeat(32),
    next: 'b'.repeat(32),
    wrong: 'short',
    used: ({ notifications: { channels } }) =>
      channels[3]?.kind === 'pagerduty' ? channels[3].routingKey.reveal() : undefined,
  },
  { key: 'notifications.channels[2].caFile', file: 'mail-ca', good: '', wrong: 'anything' },
  {
    key: 'slack.botTokenFile',
    file: 'bot',
    good: 'xoxb-1111',
    next: 'xoxb-2222',
    wrong: 'xapp-1111',
    used: ({ slackSecrets }) => slackSecrets?.botToken.reveal(),
  },
  {
    key: 'slack.appTokenFile',
    file: 'app',
    good: 'xapp-1111',
    next: 'xapp-2222',
    wrong: 'xoxb-1111',
    used: ({ slackSecrets }) =>
      slackSecrets?.door.mode === 'socket' ? slackSecrets.door.appToken.reveal() : undefined,
  },
  { key: 'tracing.otlp.headersFile', file: 'otlp', good: 'authorization: x', wrong: 'no header' },
  { key: 'tracing.otlp.caFile', file: 'otlp-ca', good: '', wrong: 'anything' },
  { key: 'server.caFile', file: 'ca.crt', good: '', wrong: 'anything' },
];

const TLS = { certFile: 'tls.crt', keyFile: 'tls.key' };

let folder: string;
let first: Awaited<ReturnType<typeof makeServerCertificate>>;
let second: typeof first;
let path: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-files-'));
  [first, second] = await Promise.all([makeServerCertificate(), makeServerCertificate()]);
  allGood();
  path = join(folder, 'hallpass.yaml');
  writeFileSync(path, JSON.stringify(document()));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}

function allGood(): void {
  for (const { file, good } of CASES) put(file, `${good === '' ? first.caPem : good}\n`);
  put(TLS.certFile, first.certPem);
  put(TLS.keyFile, first.keyPem);
}

function document(): object {
  const channel = (name: string, kind: string, more: object) => ({ name, kind, ...more });
  return {
    server: { publicUrl: 'https://hallpass.example.com', tls: TLS, caFile: 'ca.crt' },
    database: { urlFile: 'database-url' },
    identity: {
      issuers: [
        {
          issuer: 'https://login.example.com',
          audience: 'hallpass',
          web: { clientId: 'web', clientSecretFile: 'web' },
        },
      ],
    },
    clusters: [
      {
        name: 'prod',
        inCluster: true,
        audit: { account: 'system:serviceaccount:hallpass:hallpass', tokenFile: 'kube-audit' },
      },
    ],
    policies: { folders: ['.'] },
    onCall: { secrets: [{ name: 'pager', valueFile: 'on-call', hosts: ['pager.example.com'] }] },
    recordings: {
      s3: { bucket: 'recordings', accessKeyId: 'hallpass', secretAccessKeyFile: 's3' },
    },
    audit: {
      keyFiles: ['audit.key'],
      anchors: [
        {
          name: 'notary',
          kind: 'webhook',
          url: 'https://notary.example.com',
          secretFile: 'anchor',
        },
      ],
      sinks: [
        {
          name: 'hec',
          kind: 'splunk',
          url: 'https://splunk.example.com',
          secretFile: 'sink',
          caFile: 'sink-ca',
        },
      ],
    },
    notifications: {
      channels: [
        channel('hook', 'webhook', { url: 'https://in.example.com', secretFile: 'channel-hook' }),
        channel('teams', 'teams', { secretFile: 'teams' }),
        channel('mail', 'email', {
          ...{ host: 'mail.example.com', from: 'a@example.com', to: ['b@example.com'] },
          ...{ user: 'hallpass', secretFile: 'mail', caFile: 'mail-ca' },
        }),
        channel('pager', 'pagerduty', { secretFile: 'pagerduty' }),
      ],
    },
    tracing: {
      otlp: {
        endpoint: 'https://traces.example.com',
        headersFile: 'otlp',
        caFile: 'otlp-ca',
      },
    },
    slack: {
      teamId: 'T0123456789',
      mode: 'socket',
      botTokenFile: 'bot',
      appTokenFile: 'app',
    },
  };
}

function load(): Config {
  const config = loadConfig({ HALLPASS_CONFIG: path });
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config;
}

/** What is wrong, without the folder. */
function mistakes(): string[] {
  const config = loadConfig({ HALLPASS_CONFIG: path });
  return isConfigProblem(config)
    ? configProblemText(config).replaceAll(`${folder}/`, '').split('\n')
    : [];
}

/** A round of looking, and what was told. */
async function looked(config: Config): Promise<{ files: RotatingFiles; told: object[] }> {
  const told: object[] = [];
  const files = watching(config, told);
  await files.look();
  return { files, told };
}

function watching({ files }: Config, told: object[] = []): RotatingFiles {
  const note = (facts: object) => void told.push(facts);
  return new RotatingFiles({ files, journal: { info: () => undefined, warn: note, error: note } });
}

test('every key of the configuration that names a secret, a key or a certificate is tried here', () => {
  const named = load().files.map(({ key }) => key);
  expect(named.toSorted()).toEqual([...CASES.map(({ key }) => key), 'server.tls'].toSorted());
});

describe.each(CASES)('$key', ({ key, file, wrong }) => {
  const says = (sentence: string) => `hallpass.yaml: ${key}: ${sentence}`;
  const restored = (work: () => void) => {
    try {
      work();
    } finally {
      rmSync(join(folder, file), { recursive: true, force: true });
      allGood();
    }
  };
  const told = () =>
    mistakes().map((line) => line.replace(/^hallpass\.yaml(?::\d+)*/, 'hallpass.yaml'));

  test('that is not there is refused at the start, in one sentence with what to do', () => {
    restored(() => {
      unlinkSync(join(folder, file));
      expect(told()).toEqual([says('cannot be read (ENOENT): put it there, or correct the path')]);
    });
  });

  test('that is no file, empty, or holds something else is refused at the start', () => {
    restored(() => {
      unlinkSync(join(folder, file));
      mkdirSync(join(folder, file));
      expect(told()).toEqual([says('is not a file')]);
      rmSync(join(folder, file), { recursive: true });
      put(file, '\n');
      expect(told()).toHaveLength(1);
      expect(told()[0]).toMatch(/: (is empty|what it holds .*|holds .*)$/);
      if (wrong === undefined) return;
      put(file, wrong);
      expect(told()).toHaveLength(1);
      expect(told()[0]).toMatch(/: ((what it holds )?(must|is|has) .{8,}|holds no .{8,})$/);
      expect(told()[0]).not.toContain(wrong.slice(0, 40));
    });
  });
});

describe('while it runs', () => {
  test.each(CASES)(
    '$key is taken up, or it is said that it is not',
    async ({ file, key, ...it }) => {
      const config = load();
      const usedBefore = it.used?.(config);
      try {
        put(file, it.next ?? 'another');
        const { files, told } = await looked(config);
        const standing = files.standing().find((one) => one.key === key);
        if (it.next === undefined) {
          expect(standing).toEqual({ key, renewed: 0, isUsed: false });
          expect(told).toMatchObject([{ key, why: expect.stringContaining('restart') }]);
          return;
        }
        expect(usedBefore).toBe(it.good);
        expect(it.used?.(config)).toBe(it.next);
        expect(standing).toEqual({ key, renewed: 1, isUsed: true });

        const bad: object[] = [];
        const again = watching(config, bad);
        for (const text of [it.wrong, ''].filter((one) => one !== undefined)) {
          put(file, text);
          await again.look();
          await again.look();
          expect(again.standing().find((one) => one.key === key)?.isUsed).toBe(false);
          expect(it.used?.(config)).toBe(it.next);
        }
        unlinkSync(join(folder, file));
        await again.look();
        expect(it.used?.(config)).toBe(it.next);
        expect(bad).toHaveLength(it.wrong === undefined ? 2 : 3);
        expect(JSON.stringify(bad)).not.toContain(it.wrong ?? 'nothing');
        put(file, it.next);
      } finally {
        allGood();
      }
    },
  );

  test('files that kubelet swaps by a link are seen', async () => {
    const [one, two] = ['..one', '..two'].map((name) => join(folder, name));
    const link = join(folder, 'bot');
    try {
      for (const [at, token] of [
        [one, 'xoxb-3333'],
        [two, 'xoxb-4444'],
      ] as const) {
        mkdirSync(at ?? '');
        writeFileSync(join(at ?? '', 'bot'), token);
      }
      symlinkSync(one ?? '', join(folder, '..data'));
      unlinkSync(link);
      symlinkSync(join('..data', 'bot'), link);
      const config = load();
      expect(config.slackSecrets?.botToken.reveal()).toBe('xoxb-3333');
      symlinkSync(two ?? '', join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      await looked(config);
      expect(config.slackSecrets?.botToken.reveal()).toBe('xoxb-4444');
    } finally {
      unlinkSync(link);
      allGood();
    }
  });

  test('of another database or user only a restart takes it up', async () => {
    const config = load();
    try {
      put('database-url', 'postgresql://postgres:two@db.example.com/hallpass');
      const { told } = await looked(config);
      expect(told).toMatchObject([{ why: expect.stringContaining('only its password') }]);
      expect(config.database.url.reveal()).toBe(db('one'));
    } finally {
      allGood();
    }
  });
});

describe('server.tls', () => {
  test('of which one file is wrong, or is not of the other, is refused at the start', () => {
    try {
      put(TLS.keyFile, second.keyPem);
      expect(mistakes().join()).toContain(
        'server.tls.keyFile: is not the key of the certificate in server.tls.certFile',
      );
      put(TLS.keyFile, 'none');
      expect(mistakes().join()).toContain('server.tls.keyFile: holds no private key in PEM');
      put(TLS.keyFile, first.keyPem);
      put(TLS.certFile, `${first.certPem}\n${second.certPem.replace(/\n.{8}/, '\nAAAAAAAA')}`);
      expect(mistakes().join()).toContain('server.tls.certFile: cannot be served with');
      put(TLS.certFile, 'none');
      expect(mistakes().join()).toContain('server.tls.certFile: holds no certificate in PEM');
      unlinkSync(join(folder, TLS.certFile));
      expect(mistakes()).toHaveLength(1);
    } finally {
      allGood();
    }
  });

  test('becomes another one when both files fit, and not before', async () => {
    const config = load();
    const renewed: string[] = [];
    config.tls?.onRenewed(({ cert }) => renewed.push(cert));
    const told: object[] = [];
    const files = watching(config, told);
    try {
      put(TLS.certFile, second.certPem);
      await files.look();
      expect(renewed).toEqual([]);
      expect(told).toMatchObject([{ key: 'server.tls', why: expect.stringContaining('keyFile') }]);
      put(TLS.keyFile, second.keyPem);
      await files.look();
      expect(renewed).toEqual([second.certPem]);
      expect(config.tls?.current().cert).toBe(second.certPem);
      expect(files.standing().find(({ key }) => key === 'server.tls')).toMatchObject({
        renewed: 1,
        isUsed: true,
      });
    } finally {
      allGood();
    }
  });

  test('that has expired is served on, and one that has expired does not take its place', async () => {
    const expired = await makeServerCertificate(undefined, new Date(Date.now() - 60_000));
    try {
      put(TLS.certFile, expired.certPem);
      put(TLS.keyFile, expired.keyPem);
      expect(load().tls?.validTo.getTime()).toBeLessThan(Date.now());
      allGood();
      const config = load();
      put(TLS.certFile, expired.certPem);
      put(TLS.keyFile, expired.keyPem);
      const { told } = await looked(config);
      expect(told).toMatchObject([{ why: expect.stringContaining('has expired') }]);
      expect(config.tls?.current().cert).toBe(first.certPem);
    } finally {
      allGood();
    }
  });
});
