import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import { startDatabase } from '../../sandbox/database/embedded.database.js';
import { prepareDatabase } from '../../sandbox/database/hallpass.roles.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { startSandbox } from '../../sandbox/sandbox.js';
import type { Ended, ImageContainer, RunningContainer } from './image.container.js';

const START_MS = 60_000;
const SESSION_SECONDS = 10;
const HALLPASS = ['node', '/app/dist/src/cli.js'];

export interface TrialOptions {
  readonly container: ImageContainer;
  readonly say: (line: string) => void;
}

/**
 * Runs an image against a database, an identity provider and the stand-in cluster of this machine: it migrates, serves,
 * lets somebody into a Pod, and verifies the log of that; and is stopped. @throws Error with the first thing that is not
 * as it should be.
 */
export async function tryImage({ container, say }: TrialOptions): Promise<void> {
  await using opened = new AsyncDisposableStack();
  await tryLocks({ container, say });
  const database = await startDatabase();
  opened.defer(() => database.stop());
  const roles = await prepareDatabase({ adminUrl: database.adminUrl, database: 'hallpass' });
  const sandbox = await startSandbox({ databaseUrl: roles.serviceUrl });
  opened.defer(() => sandbox.close());
  await putConfiguration({ container, sandbox, ...roles });

  expectCode(
    await container.run(['migrate', '--status']),
    5,
    'migrate --status, on an empty database',
  );
  expectCode(await container.run(['serve']), 2, 'serve, on an empty database');
  expectCode(await container.run(['migrate']), 0, 'migrate');
  expectCode(await container.run(['migrate', '--status']), 0, 'migrate --status');
  say('migrate: the database has the schema of this program');

  const serving = container.start(['serve']);
  opened.defer(() => serving.kill());
  const { url, health } = await untilServing(serving);
  const ready = await fetch(`${health}/readyz`, { signal: AbortSignal.timeout(5_000) });
  const body = await ready.text();
  if (ready.status !== 200) throw new Error(`it is not ready: ${body}`);
  say(`serve: ready, ${body.trim()}`);
  await playSession({ url, sandbox, say });
  await tryVerify({ url, container, sandbox, say });
  serving.terminate();
  expectCode(await serving.ended, 0, 'serve, at TERM');
  say('serve: ended by TERM with 0');
}

/** What a program in the container may: looked at from inside, by this. */
const LOOK = `
const { existsSync, writeFileSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const writes = (path) => { try { writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
console.log(JSON.stringify({
  uid: process.getuid(), gid: process.getgid(),
  app: writes('/app/x'), entry: writes('/app/dist/src/server.js'), root: writes('/x'), etc: writes('/etc/hallpass/x'),
  tmp: writes('/tmp/x'), shell: existsSync('/bin/sh') || spawnSync('sh', ['-c', '']).error === undefined,
}));`;
const Look = z.object({ uid: z.number(), gid: z.number() }).catchall(z.unknown());
const LOCKED = {
  app: 'EROFS',
  entry: 'EROFS',
  root: 'EROFS',
  etc: 'EROFS',
  tmp: 'written',
  shell: false,
};

async function tryLocks({ container, say }: TrialOptions): Promise<void> {
  const ended = await container.run(['-e', LOOK], ['node']);
  expectCode(ended, 0, 'a look from inside');
  const { uid, gid, ...seen } = Look.parse(JSON.parse(ended.stdout));
  if (uid === 0 || gid === 0) throw new Error(`it runs as ${uid}:${gid}`);
  if (container.isAlone && JSON.stringify(seen) !== JSON.stringify(LOCKED)) {
    throw new Error(`it may do too much or too little: ${JSON.stringify(seen)}`);
  }
  say(`inside: user ${uid}:${gid}, ${JSON.stringify(seen)}`);
}

/** The sandbox's configuration, at the places that an image has for it. */
async function putConfiguration(args: {
  readonly container: ImageContainer;
  readonly sandbox: Sandbox;
  readonly ownerUrl: string;
  readonly serviceUrl: string;
}): Promise<void> {
  const { container, sandbox, ownerUrl, serviceUrl } = args;
  const policies = join(sandbox.folder, 'policies');
  cpSync('sandbox/policies', policies, { recursive: true });
  const { path } = await writeBrokerConfig({
    ...sandbox.surroundings,
    policies,
    log: { level: 'info' },
  });
  const written = Written.parse(parse(readFileSync(path, 'utf8')));
  const secret = (name: string, text: string): string => {
    container.put('secrets', name, text);
    return container.path('secrets', name);
  };
  for (const name of ['access.yaml', 'profiles.yaml']) {
    container.put('config', `policies/${name}`, readFileSync(join(policies, name), 'utf8'));
  }
  const kubeconfig = secret('kubeconfig', readFileSync(sandbox.surroundings.kubeconfig, 'utf8'));
  const auditKey = readFileSync(sandbox.surroundings.auditKey ?? '', 'utf8');
  const config = {
    ...written,
    database: {
      urlFile: secret('database-url', serviceUrl),
      ownerUrlFile: secret('database-owner-url', ownerUrl),
    },
    clusters: written.clusters.map((cluster) => ({ ...cluster, kubeconfig })),
    policies: { folders: ['policies'] },
    audit: { ...written.audit, keyFiles: [secret('audit.key', auditKey)] },
  };
  container.put('config', 'hallpass.yaml', stringify(config));
  secret('auditor-token', await sandbox.identity.tokenFor(PEOPLE.auditor));
}

const Section = z.record(z.string(), z.unknown());
const Written = z.object({ clusters: z.array(Section), audit: Section }).catchall(z.unknown());

async function untilServing(serving: RunningContainer): Promise<{ url: string; health: string }> {
  const line = await serving.says(/^.*"msg":"serving".*$/m, START_MS);
  return Serving.parse(JSON.parse(line[0]));
}

const Serving = z.object({ url: z.string(), health: z.string() });

async function playSession(args: {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { url, sandbox, say } = args;
  if (sandbox.cluster.runtime.isolation === 'none') {
    say(`session: none can be played here. ${sandbox.cluster.runtime.isolationNote}`);
    return;
  }
  const robin = new ApiClient(url, await sandbox.identity.tokenFor(PEOPLE.requester));
  const asked = await robin.ask({
    namespace: 'staging',
    target: { workload: { kind: 'Deployment', name: 'cart' } },
    profile: 'shell',
    reason: 'to try the image',
    durationSeconds: SESSION_SECONDS,
  });
  const ended = await robin.until(asked.id, ['ended'], START_MS);
  if (ended.endReason !== 'deadline') throw new Error(`the session ended with ${ended.endReason}`);
  say('session: asked for, granted, started, and ended at its deadline');
}

async function tryVerify(args: {
  readonly url: string;
  readonly container: ImageContainer;
  readonly sandbox: Sandbox;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { url, container, say } = args;
  const log = container.path('scratch', 'log');
  const token = container.path('secrets', 'auditor-token');
  const shown = await container.run(
    ['audit', 'keygen', '--show', container.path('secrets', 'audit.key')],
    HALLPASS,
  );
  expectCode(shown, 0, 'audit keygen --show');
  const asAuditor = ['--server', url, '--token-file', token];
  expectCode(
    await container.run(['audit', 'export', log, ...asAuditor], HALLPASS),
    0,
    'audit export',
  );
  const verify = ['verify', log, '--key', shown.stdout.trim()];
  const sound = await container.run(verify);
  expectCode(sound, 0, 'verify');
  say(`verify: ${sound.stdout.trim().split('\n')[0] ?? ''}`);
  container.change('scratch', 'log/tile/entries', withOneBitChanged);
  expectCode(await container.run(verify), 1, 'verify, of a log that was changed');
  say('verify: finds that the log was changed');
}

function withOneBitChanged(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  // Behind the length of the first event's body, which is two bytes.
  changed[10] = (changed[10] ?? 0) ^ 1;
  return changed;
}

function expectCode(ended: Ended, code: number, what: string): void {
  if (ended.code === code) return;
  const said = `${ended.stdout}${ended.stderr}`.trim();
  throw new Error(`${what} ended with ${ended.code}, and should with ${code}: ${said}`);
}
