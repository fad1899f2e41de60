import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import type { Config } from './config.schema.js';
import { loadConfig, loadDatabaseConfig } from './load.config.js';

const GOOD = `
server:
  publicUrl: https://hallpass.example.com
database:
  url: postgresql://hallpass:hunter2@db.example.com/hallpass
identity:
  issuers:
    - issuer: https://login.example.com
      audience: hallpass
clusters:
  - name: prod
    inCluster: true
policies:
  folders: [.]
audit:
  keyFiles: [audit.key]
`;

const OTHER = '{ human: sam, accounts: [{ issuer: https://login.example.com, subject: sam }] }';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  file(makeKey('log.example').signer, 'audit.key');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(text: string, name = 'hallpass.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function good(env: Record<string, string>): Config {
  const config = loadConfig(env);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config;
}

function mistakes(env: Record<string, string>): string[] {
  const config = loadConfig(env);
  if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
  return configProblemText(config).replaceAll(`${folder}/`, '').split('\n');
}

describe('a good configuration', () => {
  test('takes the defaults for all that is left out', () => {
    const config = good({ HALLPASS_CONFIG: file(GOOD) });
    expect(config.server).toEqual({
      host: '0.0.0.0',
      port: 8080,
      managementPort: 9090,
      drainSeconds: 10,
      graceSeconds: 45,
      publicUrl: 'https://hallpass.example.com',
      origins: [],
      trustProxy: false,
    });
    expect(config.identity).toEqual({
      issuers: [
        {
          issuer: 'https://login.example.com',
          audience: 'hallpass',
          algorithms: ['RS256', 'PS256', 'ES256'],
          claims: { user: 'sub', email: 'email', name: 'name', groups: 'groups', facts: [] },
        },
      ],
      people: [],
      clockSkewSeconds: 30,
      roles: { requester: [], approver: [], auditor: [], admin: [] },
    });
    expect(config.clusters).toEqual([{ name: 'prod', inCluster: true, namespaces: [] }]);
    expect(config.sessions).toEqual({
      defaultDurationSeconds: 1800,
      longestDurationSeconds: 28_800,
      startDeadlineSeconds: 60,
      pendingLapseSeconds: 3600,
      approvedLapseSeconds: 900,
      checkSeconds: 5,
      overrunSeconds: 30,
      startGraceSeconds: 30,
      handOverSeconds: 30,
      asksPerMinute: { person: 30, address: 300, all: 600 },
      leaseSeconds: 15,
      workers: 64,
      allWorkers: 512,
    });
    expect(config.log).toEqual({ level: 'info', format: 'json' });
    expect(config.onCall).toEqual({ secrets: new Map() });
    expect(config.database).toMatchObject({
      ownerUrl: null,
      serviceUser: 'hallpass',
      poolSize: 10,
    });
  });

  test('names the client of the command line, and asks for the usual scopes', () => {
    const cli = '{"clientId":"hallpass-cli","resource":"urn:hallpass:api"}';
    const config = good({
      HALLPASS_CONFIG: file(GOOD),
      HALLPASS_IDENTITY__ISSUERS: `[{"issuer":"https://login.example.com","audience":"hallpass","cli":${cli}}]`,
      HALLPASS_SERVER__ORIGINS: '["https://console.example.com","http://localhost:5173"]',
    });
    expect(config.identity.issuers[0]?.cli).toEqual({
      clientId: 'hallpass-cli',
      scopes: ['openid', 'profile', 'email'],
      resource: 'urn:hallpass:api',
    });
    expect(config.server.origins).toEqual(['https://console.example.com', 'http://localhost:5173']);
  });

  test('can be had from the environment alone', () => {
    const config = good({
      HALLPASS_SERVER__PUBLIC_URL: 'https://hallpass.example.com',
      HALLPASS_SERVER__TRUST_PROXY: '["10.0.0.0/8"]',
      DATABASE_URL: 'postgresql://hallpass@db/hallpass',
      HALLPASS_IDENTITY__ISSUERS: '[{"issuer":"https://login.example.com","audience":"hallpass"}]',
      HALLPASS_IDENTITY__ROLES__ADMIN: '["sre"]',
      HALLPASS_CLUSTERS: '[{"name":"prod","inCluster":true}]',
      HALLPASS_POLICIES__FOLDERS: JSON.stringify([folder]),
      HALLPASS_AUDIT__KEY_FILES: JSON.stringify([join(folder, 'audit.key')]),
    });
    expect(config.identity.roles.admin).toEqual(['sre']);
    expect(config.server.trustProxy).toEqual(['10.0.0.0/8']);
    expect(config.database.url.reveal()).toBe('postgresql://hallpass@db/hallpass');
  });

  test('lets the environment go over the file, and a key over its section', () => {
    const config = good({
      HALLPASS_CONFIG: file(`${GOOD}sessions: { checkSeconds: 1, workers: 2 }\n`),
      HALLPASS_SESSIONS__CHECK_SECONDS: '9',
      HALLPASS_LOG: '{"level":"warn","format":"pretty"}',
      HALLPASS_LOG__LEVEL: 'debug',
    });
    expect(config.sessions).toMatchObject({ checkSeconds: 9, workers: 2 });
    expect(config.log).toEqual({ level: 'debug', format: 'pretty' });
  });

  test('resolves relative paths against the folder of the file', () => {
    file('', 'prod.kubeconfig');
    const config = good({
      HALLPASS_CONFIG: file(GOOD.replace('inCluster: true', 'kubeconfig: prod.kubeconfig')),
    });
    expect(config.clusters[0]?.kubeconfig).toBe(join(folder, 'prod.kubeconfig'));
    expect(config.policies.folders).toEqual([folder]);
  });

  test('reads secrets from files, and a variable sets aside the file that stands for the same', () => {
    file('postgresql://filed@db/hallpass\n', 'url');
    const path = file(GOOD.replace(/url: postgres.*/, 'urlFile: url'));
    expect(good({ HALLPASS_CONFIG: path }).database).toMatchObject({ serviceUser: 'filed' });
    const over = good({ HALLPASS_CONFIG: path, DATABASE_URL: 'postgresql://env@db/hallpass' });
    expect(over.database.serviceUser).toBe('env');
  });

  test('holds the secrets of on-call sources by name, those in files read', () => {
    file('  token-in-a-file\n', 'token');
    const listed =
      '[{ name: a, hosts: [x.example], value: token-in-the-text }, { name: b, hosts: ["y.example:8443"], valueFile: token }]';
    const config = good({ HALLPASS_CONFIG: file(`${GOOD}onCall: { secrets: ${listed} }\n`) });
    const revealed = [...config.onCall.secrets].map(([name, { value, hosts }]) => [
      name,
      value.reveal(),
      hosts,
    ]);
    expect(revealed).toEqual([
      ['a', 'token-in-the-text', ['x.example']],
      ['b', 'token-in-a-file', ['y.example:8443']],
    ]);
    const over = good({
      HALLPASS_CONFIG: file(`${GOOD}onCall: { secrets: ${listed} }\n`),
      HALLPASS_ON_CALL__SECRETS:
        '[{"name":"c","hosts":["x.example"],"value":"token-in-a-variable"}]',
    });
    expect([...over.onCall.secrets.keys()]).toEqual(['c']);
    expect(over.onCall.secrets.get('c')?.value.reveal()).toBe('token-in-a-variable');
  });

  test('takes a section without keys for one that was left out', () => {
    expect(good({ HALLPASS_CONFIG: file(`${GOOD}log:\nsessions:\n`) }).log.level).toBe('info');
  });

  test('is not disturbed by the variables that Kubernetes makes of a Service named hallpass', () => {
    good({
      HALLPASS_CONFIG: file(GOOD),
      HALLPASS_SERVICE_HOST: '10.0.0.7',
      HALLPASS_SERVICE_PORT: '80',
      HALLPASS_SERVICE_PORT_HTTP: '80',
      HALLPASS_PORT: 'tcp://10.0.0.7:80',
      HALLPASS_PORT_80_TCP: 'tcp://10.0.0.7:80',
      HALLPASS_PORT_80_TCP_ADDR: '10.0.0.7',
    });
  });
});

describe('mistakes', () => {
  test('are told all at once, each with its path and where it was written', () => {
    const text = `server:
  publicUrl: not a url
  port: 70000
  managmentPort: 1
identity:
  issuers:
    - issuer: http://login.example.com
      algorithms: [HS256]
  clockSkewSeconds: 61
clusters:
  - { name: Prod, inCluster: true, kubeconfig: x, namespaces: ['Team?'] }
  - { name: ok }
sessions: { defaultDurationSeconds: 90, longestDurationSeconds: 60, workers: 0 }
colour: red
`;
    expect(
      mistakes({
        HALLPASS_CONFIG: file(text),
        HALLPASS_LOG__LEVEL: 'loud',
        HALLPASS_DATABASE__POOL_SIZE: 'many',
      }),
    ).toEqual([
      'HALLPASS_DATABASE__POOL_SIZE: database.poolSize: must be a number',
      'hallpass.yaml:3:9: server.port: Too big: expected number to be <=65535',
      'hallpass.yaml:2:14: server.publicUrl: must be an http(s):// URL without user, query, fragment or trailing slash',
      'hallpass.yaml:4:3: server.managmentPort: is not known: did you mean managementPort?',
      'hallpass.yaml:1:1: database.url: give one of url and urlFile',
      'hallpass.yaml:7:15: identity.issuers[0].issuer: must be an https:// URL without a user in it (http:// for this machine itself only)',
      'hallpass.yaml:7:7: identity.issuers[0].audience: is missing',
      expect.stringMatching(
        /^hallpass.yaml:8:20: identity.issuers\[0\].algorithms\[0\]: expected one of "RS256"\|/,
      ) as string,
      'hallpass.yaml:9:21: identity.clockSkewSeconds: Too big: expected number to be <=60',
      expect.stringMatching(
        /^hallpass.yaml:11:13: clusters\[0\].name: must be a DNS label/,
      ) as string,
      expect.stringMatching(
        /^hallpass.yaml:11:64: clusters\[0\].namespaces\[0\]: must be a name or/,
      ) as string,
      'hallpass.yaml:11:48: clusters[0].kubeconfig: give one of inCluster and kubeconfig, not both',
      'hallpass.yaml:12:5: clusters[1].kubeconfig: give inCluster: true or a kubeconfig',
      'hallpass.yaml:1:1: policies.folders: is missing (variable HALLPASS_POLICIES__FOLDERS)',
      'hallpass.yaml:13:78: sessions.workers: Too small: expected number to be >=1',
      'hallpass.yaml:13:37: sessions.defaultDurationSeconds: must not be above sessions.longestDurationSeconds',
      'hallpass.yaml:1:1: audit.keyFiles: is missing (variable HALLPASS_AUDIT__KEY_FILES)',
      expect.stringMatching(/^HALLPASS_LOG__LEVEL: log.level: expected one of "fatal"/) as string,
      'hallpass.yaml:14:1: colour: is not known',
      'hallpass.yaml:11:48: clusters[0].kubeconfig: cannot be read (ENOENT): put it there, or correct the path',
    ]);
  });

  test('of on-call secrets are told all at once, beside others and with those in files', () => {
    file('two words', 'words');
    file('', 'empty');
    const text = `${GOOD}
log: { level: loud }
onCall:
  secrets:
    - { hosts: [x], name: Upper, value: x }
    - { hosts: [x], name: twice, value: x }
    - { hosts: [x], name: twice, value: x }
    - { hosts: [x], name: both, value: x, valueFile: words }
    - { hosts: [x], name: neither }
    - { hosts: [x], name: unset, value: "" }
    - { hosts: [x], name: spaced, value: "hunter2 x" }
    - { hosts: [x], name: lost, valueFile: nowhere }
    - { hosts: [x], name: empty, valueFile: empty }
    - { hosts: [x], name: folder, valueFile: . }
    - { hosts: [x], value: x, valu: y }
    - hunter2
`;
    const told = mistakes({ HALLPASS_CONFIG: file(text) });
    expect(told.join('\n')).not.toContain('hunter2');
    const rule =
      'must be 1 to 4096 printable ASCII characters without spaces: it is sent in a header';
    expect(told.map((it) => it.replace(/^hallpass.yaml:\d+:\d+: /, ''))).toEqual([
      expect.stringMatching(/^onCall.secrets\[0\].name: must be a DNS label/) as string,
      'onCall.secrets[3].value: give one of value and valueFile',
      'onCall.secrets[4].value: give one of value and valueFile',
      `onCall.secrets[5].value: ${rule}`,
      `onCall.secrets[6].value: ${rule}`,
      'onCall.secrets[10].name: is missing',
      'onCall.secrets[10].valu: is not known: did you mean value?',
      'onCall.secrets[11]: expected object, received string',
      'onCall.secrets[2].name: is here twice',
      expect.stringMatching(/^log.level: expected one of/) as string,
      `onCall.secrets[3].valueFile: what it holds ${rule}`,
      'onCall.secrets[7].valueFile: cannot be read (ENOENT): put it there, or correct the path',
      'onCall.secrets[8].valueFile: is empty',
      'onCall.secrets[9].valueFile: is not a file',
    ]);
  });

  test('in who is one human are told: an account of two, an unknown issuer, a human twice', () => {
    const text = GOOD.replace(
      'clusters:',
      `  people:
    - human: robin
      accounts:
        - { issuer: https://login.example.com, subject: robin }
        - { issuer: https://login.example.com, subject: robin-admin }
    - human: alex
      accounts:
        - { issuer: https://login.example.com, subject: robin-admin }
        - { issuer: https://elsewhere.example.com, subject: alex }
    - { human: robin, accounts: [] }
clusters:`,
    );
    expect(mistakes({ HALLPASS_CONFIG: file(text) })).toEqual([
      expect.stringContaining('identity.people[2].accounts: ') as string,
      'hallpass.yaml:19:16: identity.people[2].human: is here twice',
    ]);
    expect(
      mistakes({ HALLPASS_CONFIG: file(text.replace('{ human: robin, accounts: [] }', OTHER)) }),
    ).toEqual([
      'hallpass.yaml:17:57: identity.people[1].accounts[0].subject: is here twice: an account is one human’s',
      'hallpass.yaml:18:21: identity.people[1].accounts[1].issuer: is none of identity.issuers',
    ]);
  });

  test('name every key that must be given where nothing is', () => {
    expect(mistakes({})).toEqual([
      'server.publicUrl: is missing (variable HALLPASS_SERVER__PUBLIC_URL)',
      'database.url: give one of url and urlFile',
      'identity.issuers: is missing (variable HALLPASS_IDENTITY__ISSUERS)',
      'clusters: is missing (variable HALLPASS_CLUSTERS)',
      'policies.folders: is missing (variable HALLPASS_POLICIES__FOLDERS)',
      'audit.keyFiles: is missing (variable HALLPASS_AUDIT__KEY_FILES)',
    ]);
  });

  test.each([
    ['HALLPASS_SERVER__PUBLICURL', 'did you mean HALLPASS_SERVER__PUBLIC_URL?'],
    ['HALLPASS_PUBLIC_URL', 'did you mean HALLPASS_SERVER__PUBLIC_URL?'],
    ['HALLPASS_SEVER__PORT', 'did you mean HALLPASS_SERVER__PORT?'],
    ['HALLPASS_WHATEVER_ELSE', 'is not known'],
  ])('tell of the unknown variable %s', (variable, said) => {
    const told = mistakes({ HALLPASS_CONFIG: file(GOOD), [variable]: '1' });
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(variable);
    expect(told[0]).toContain(said);
  });

  test('tell the right place of a key on the wrong level', () => {
    expect(mistakes({ HALLPASS_CONFIG: file(`${GOOD}port: 80\n`) })).toEqual([
      'hallpass.yaml:17:1: port: is not known: did you mean server.port?',
    ]);
  });

  test.each([
    [
      'a file that is not there',
      'nowhere.yaml',
      undefined,
      'cannot be read (ENOENT): put it there, or correct the path',
    ],
    ['a folder', '.', undefined, 'is not a file'],
    ['a list', 'list.yaml', '- 1\n', 'must be a map of sections'],
    ['a file over 1 MiB', 'big.yaml', `a: ${'x'.repeat(1024 * 1024)}`, 'is larger than'],
    ['two documents', 'two.yaml', 'a: 1\n---\nb: 1\n', 'there may be 1 documents at most'],
    ['what is not UTF-8', 'bytes.yaml', Buffer.of(0xff, 0xfe, 0xff), 'not UTF-8'],
    ['an alias', 'alias.yaml', 'a: &x 1\nb: *x\n', 'aliases are not accepted'],
    ['a key twice', 'twice.yaml', 'log: {}\nlog: {}\n', 'this key is here twice'],
    ['a prototype name', 'proto.yaml', '__proto__: { port: 1 }\n', 'this name cannot be a key'],
  ])('refuse %s', (_, name, content, said) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content);
    expect(mistakes({ HALLPASS_CONFIG: path }).join('\n')).toContain(said);
  });

  test.each([
    ['HALLPASS_SERVER__PORT', '-1'],
    ['HALLPASS_SERVER__PORT', '80.5'],
    ['HALLPASS_SERVER__PORT', 'tcp://10.0.0.7:80'],
    ['HALLPASS_SERVER__PORT', '65536'],
    ['HALLPASS_SERVER__TRUST_PROXY', '["10.0.0.0/33"]'],
    ['HALLPASS_SERVER__MANAGEMENT_PORT', '8080'],
    ['HALLPASS_SERVER__TRUST_PROXY', 'constructor'],
    ['HALLPASS_SERVER__PUBLIC_URL', 'https://user:pw@example.com'],
    ['HALLPASS_SERVER__PUBLIC_URL', 'javascript:alert(1)'],
    ['HALLPASS_IDENTITY__CLOCK_SKEW_SECONDS', '61'],
    ['HALLPASS_IDENTITY__ISSUERS', '[]'],
    ['HALLPASS_IDENTITY__ROLES', '{"__proto__":{}}'],
    ['HALLPASS_IDENTITY__ROLES', '{"root":["x"]}'],
    ['HALLPASS_CLUSTERS', '[{"name":"a","inCluster":true},{"name":"a","inCluster":true}]'],
    ['HALLPASS_SESSIONS__WORKERS', '1e3'],
    ['HALLPASS_SESSIONS__START_DEADLINE_SECONDS', '0'],
    ['HALLPASS_LOG__FORMAT', 'constructor'],
    ['HALLPASS_DATABASE__URL_FILE', '/nowhere'],
    ['DATABASE_URL', 'mysql://x'],
  ])('refuse %s=%s', (variable, text) => {
    const told = mistakes({ HALLPASS_CONFIG: file(GOOD), [variable]: text });
    expect(told.join('\n')).toContain(`${variable}: `);
  });

  test('refuse two variables that say different databases', () => {
    const env = { HALLPASS_CONFIG: file(GOOD), DATABASE_URL: 'postgresql://a@b/c' };
    expect(mistakes({ ...env, HALLPASS_DATABASE__URL: 'postgresql://d@b/c' })).toEqual([
      'DATABASE_URL: database.url: says another database than HALLPASS_DATABASE__URL: set one of the two',
    ]);
    good({ ...env, HALLPASS_DATABASE__URL: env.DATABASE_URL });
  });
});

describe('secrets', () => {
  test('are not printed with the configuration, however it is printed', () => {
    const secrets = 'onCall: { secrets: [{ name: a, hosts: [x], value: hunter2 }] }\n';
    const config = good({ HALLPASS_CONFIG: file(GOOD + secrets) });
    const printed = [
      inspect(config.onCall.secrets.get('a')),
      inspect(config, { depth: null, showHidden: true }),
      JSON.stringify(config),
      String(config.database.url),
      config.database.url.toString(),
    ];
    for (const text of printed) expect(text).not.toContain('hunter2');
    expect(config.database.url.reveal()).toContain('hunter2');
  });

  test.each([
    ['a URL of another kind', 'database: { url: "hunter2://x" }'],
    ['a URL where the section should be', 'database: postgresql://u:hunter2@db/x'],
    ['a URL where a key should be', 'database: { "postgresql://u:hunter2@db/x": 1 }'],
    ['a list of URLs', 'database: { url: [hunter2] }'],
    ['broken YAML', 'database: { url: "postgresql://u:hunter2@db }'],
    ['broken YAML with a stray token', 'database:\n  url: [a] hunter2\n'],
    ['an unknown tag', 'database: { url: !hunter2 x }'],
    ['an alias to nowhere', 'database: { url: *hunter2 }'],
    ['a bad escape', 'database: { url: "\\qhunter2" }'],
    ['two users', 'server: { publicUrl: "https://u:hunter2@x" }'],
    ['an on-call secret with a space', 'onCall: { secrets: [{ name: a, value: "hunter2 x" }] }'],
    ['an on-call secret for a name', 'onCall: { secrets: [{ name: hunter2-, value: x }] }'],
    ['an on-call secret for its file', 'onCall: { secrets: [{ name: a, valueFile: hunter2 }] }'],
    ['on-call secrets as a map', 'onCall: { secrets: { a: hunter2 } }'],
    ['a number', 'database: { serviceUser: hunter2, poolSize: hunter2 }'],
  ])('are not in the mistakes: %s', (_, text) => {
    const told = mistakes({ HALLPASS_CONFIG: file(text) });
    expect(told.length).toBeGreaterThan(0);
    expect(told.join('\n')).not.toContain('hunter2');
  });

  test.each(['DATABASE_URL', 'HALLPASS_DATABASE', 'HALLPASS_DATABASE__POOL_SIZE', 'HALLPASS_LOG'])(
    'are not in the mistakes of the variable %s',
    (variable) => {
      const told = mistakes({ HALLPASS_CONFIG: file(GOOD), [variable]: 'hunter2' });
      expect(told.join('\n')).toContain(variable);
      expect(told.join('\n')).not.toContain('hunter2');
    },
  );

  test('are not in the mistakes of the file that holds them', () => {
    file('mysql://u:hunter2@db/x', 'url');
    const path = file(GOOD.replace(/url: postgres.*/, 'urlFile: url'));
    expect(mistakes({ HALLPASS_CONFIG: path })).toEqual([
      'hallpass.yaml:5:12: database.urlFile: what it holds must be a URL that begins with postgresql://',
    ]);
  });
});

describe('what migrations need', () => {
  test('is the database alone: the rest may be missing or wrong', () => {
    const config = loadDatabaseConfig({
      DATABASE_URL: 'postgresql://hallpass@db/hallpass',
      HALLPASS_DATABASE__OWNER_URL: 'postgresql://owner@db/hallpass',
      HALLPASS_SERVER__PORT: 'x',
    });
    if (isConfigProblem(config)) throw new Error(configProblemText(config));
    expect(config.serviceUser).toBe('hallpass');
    expect(config.ownerUrl?.reveal()).toBe('postgresql://owner@db/hallpass');
  });

  test("is without the owner's password for what serves, which need not be able to read it", () => {
    const env = {
      HALLPASS_DATABASE__OWNER_URL_FILE: '/not/readable',
      DATABASE_URL: 'postgresql://h@db/h',
    };
    const config = loadConfig(env);
    if (!isConfigProblem(config)) throw new Error('it lacks other keys');
    expect(configProblemText(config)).not.toContain('ownerUrl');
    expect(isConfigProblem(loadDatabaseConfig(env))).toBe(true);
  });

  test('is told where it is wrong', () => {
    const config = loadDatabaseConfig({ HALLPASS_DATABASE__POOL_SIZE: '0' });
    if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
    expect(configProblemText(config).split('\n')).toEqual([
      'HALLPASS_DATABASE__POOL_SIZE: database.poolSize: Too small: expected number to be >=2',
      'database.url: give one of url and urlFile',
    ]);
  });
});
