import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { z } from 'zod';
import { loadPolicyFolders } from '../../src/adapters/policy/policy.folder.js';
import { isConfigProblem } from '../../src/config/config.problem.js';
import type { Config } from '../../src/config/config.schema.js';
import { loadConfig, loadDatabaseConfig } from '../../src/config/load.config.js';
import { makeKey } from '../../src/domain/audit/signed.note.js';
import { ChartLab, at, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { EVERY_SECTION, HARDENED } from '../support/chart.values.js';

let lab: ChartLab;
let root: string;
beforeAll(async () => {
  lab = await ChartLab.start();
  root = await mkdtemp(join(tmpdir(), 'pod-'));
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** What the keys of the Secrets hold that {@link EVERY_SECTION} names. */
const HELD: Readonly<Record<string, string>> = {
  'hallpass-database/url': 'postgresql://hallpass:x@db.example.com/hallpass',
  'hallpass-database-owner/url': 'postgresql://hallpass_owner:x@db.example.com/hallpass',
  'hallpass-audit-key/key': makeKey('hallpass.example.com/v1/audit').signer,
  'hallpass-audit-key/new': makeKey('hallpass.example.com/v1/audit').signer,
  'hallpass-audit-key/old': makeKey('hallpass.example.com/v1/audit').signer,
  'hallpass-slack/bot': 'xoxb-0123456789',
  'hallpass-slack/app': 'xapp-0123456789',
  'hallpass-witness/secret': WEBHOOK_SECRET,
  'hallpass-audit-webhooks/local': 'a'.repeat(40),
  'hallpass-on-call/routing': 'a1'.repeat(16),
  'hallpass-otlp/headers': 'x-api-key: something\n',
  'company-ca/ca.pem': '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n',
  'hallpass-clusters/far': stringify({ apiVersion: 'v1', kind: 'Config' }),
};

const certificate = await makeServerCertificate('hallpass');
/** Whatever the Secret of a certificate is called. */
const TLS: Readonly<Record<string, string>> = {
  'tls.crt': certificate.certPem,
  'tls.key': certificate.keyPem,
};

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
}
type Items = { readonly key: string; readonly path: string }[];

/** Lays out what a Pod of the object has mounted, under a folder that stands for its root. Gives that folder. */
async function mounted(objects: readonly Manifest[], kind: 'Deployment' | 'Job'): Promise<string> {
  const folder = await mkdtemp(join(root, 'root-'));
  const spec = at(the(objects, kind), 'spec', 'template', 'spec');
  const volumes = at(spec, 'volumes') as {
    name: string;
    configMap?: { name: string };
    projected?: object;
  }[];
  for (const { name, mountPath, subPath } of at(spec, 'containers', 0, 'volumeMounts') as Mount[]) {
    const volume = volumes.find((it) => it.name === name);
    if (!volume) throw new Error(`${name} is mounted and no volume`);
    const sources = (at(volume, 'projected', 'sources') ?? []) as object[];
    for (const source of sources) {
      const from = (at(source, 'secret') ?? at(source, 'configMap')) as {
        name: string;
        items: Items;
      };
      for (const { key, path } of from.items) {
        await put(
          join(folder, mountPath, path),
          HELD[`${from.name}/${key}`] ?? TLS[key] ?? 'something',
        );
      }
    }
    if (!volume.configMap) continue;
    const data = at(the(objects, 'ConfigMap', volume.configMap.name), 'data') as Record<
      string,
      string
    >;
    await mkdir(join(folder, dirname(mountPath)), { recursive: true });
    if (subPath !== undefined) await put(join(folder, mountPath), data[subPath] ?? '');
    else await mkdir(join(folder, mountPath), { recursive: true });
    for (const [file, text] of subPath === undefined ? Object.entries(data) : [])
      await put(join(folder, mountPath, file), text);
  }
  return folder;
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** The file of the configuration that the Pod’s program loads, its root being a folder of ours. */
async function configuration(objects: readonly Manifest[], kind: 'Deployment' | 'Job') {
  const folder = await mounted(objects, kind);
  const path = join(folder, '/etc/hallpass/hallpass.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replaceAll(/(?<=: "?|- )\/(?=run\/|etc\/)/g, `${folder}/`));
  return path;
}

async function loaded(objects: readonly Manifest[]): Promise<Config> {
  const path = await configuration(objects, 'Deployment');
  const config = loadConfig({ HALLPASS_CONFIG: path });
  if (isConfigProblem(config)) throw new Error(JSON.stringify(config.mistakes, null, 1));
  return config;
}

describe('the configuration that the chart writes', () => {
  test('is one that Hallpass loads, with the least that must be said', async () => {
    const config = await loaded(await lab.render());
    expect(config.server).toMatchObject({
      port: 8080,
      managementPort: 9090,
      publicUrl: 'https://hallpass.example.com',
    });
    expect(config.database.serviceUser).toBe('hallpass');
    expect(config.clusters).toMatchObject([
      { name: 'local', inCluster: true, namespaces: ['shop'] },
    ]);
    expect(config.policies.folders).toHaveLength(1);
  });

  test('is one that Hallpass loads, with policies in force, from the values that a stranger is told to begin with', async () => {
    const page = await readFile('docs/install.md', 'utf8');
    const [, values = ''] = /^ *```yaml\n([^]*?)^ *```$/m.exec(page) ?? [];
    const told = z
      .looseObject({ policies: z.object({ documents: z.record(z.string(), z.string()) }) })
      .parse(parse(values));
    const config = await loaded(await lab.render(told));
    expect(config.server.trustProxy).not.toBe(false);
    const set = await loadPolicyFolders(config.policies.folders);
    expect(set).toMatchObject({ policies: [{}], profiles: [{}] });
  });

  test('leaves people in terminals time to be told, and ends before the Pod is killed', async () => {
    for (const values of [
      {},
      { preStopSleepSeconds: 0 },
      { preStopSleepSeconds: 5, terminationGracePeriodSeconds: 30 },
      { config: { server: { graceSeconds: 20 } } },
    ]) {
      const objects = await lab.render(values);
      const pod = at(the(objects, 'Deployment'), 'spec', 'template', 'spec');
      const hook = at(pod, 'containers', 0, 'lifecycle', 'preStop', 'sleep', 'seconds') ?? 0;
      const { drainSeconds, graceSeconds } = (await loaded(objects)).server;
      expect(drainSeconds).toBeGreaterThanOrEqual(5);
      expect(graceSeconds - drainSeconds).toBeGreaterThanOrEqual(10);
      expect(Number(hook) + graceSeconds).toBeLessThan(
        Number(at(pod, 'terminationGracePeriodSeconds')),
      );
    }
  });

  test('is one that Hallpass loads, with every section and every file from a Secret or a ConfigMap', async () => {
    const objects = await lab.render({
      ...EVERY_SECTION,
      tls: { enabled: true, existingSecret: 'mine' },
    });
    const config = await loaded(objects);
    expect(config.audit).toMatchObject({ signers: [{}, {}], anchors: [{}, {}], sinks: [{}, {}] });
    expect(config.slackSecrets).toMatchObject({ door: { mode: 'socket' } });
    expect(config.server.tls?.certFile).toMatch(/\/run\/secrets\/hallpass\/mine\/tls\.crt$/);
    // A number that Helm would write as 2.592e+06 in a text of its own.
    expect(config.sessions.pendingLapseSeconds).toBe(2_592_000);
  });

  test('is one that Hallpass loads, with the hardened values that come with the chart', async () => {
    const config = await loaded(await lab.render(HARDENED));
    expect(config.audit).toMatchObject({
      anchors: [{ lock: { days: 400 } }],
      retention: { keepDays: 400 },
    });
    expect(config.recordings).toMatchObject({ store: 's3', s3: { secretAccessKey: null } });
  });

  test('has the documents of the values and of ConfigMaps in folders that differ', async () => {
    const documents = { 'a.yaml': 'x: 1\n' };
    const objects = await lab.render({ policies: { documents, existingConfigMaps: ['team-a'] } });
    const config = parse(
      at(the(objects, 'ConfigMap', 'hallpass'), 'data', 'hallpass.yaml') as string,
    ) as unknown;
    expect(at(config, 'policies', 'folders')).toEqual([
      '/etc/hallpass/policies/hallpass-policies',
      '/etc/hallpass/policies/team-a',
    ]);
    expect(at(the(objects, 'ConfigMap', 'hallpass-policies'), 'data')).toEqual(documents);
  });

  test('names no Secret that is not mounted, and mounts none that it does not name', async () => {
    const objects = await lab.render(EVERY_SECTION);
    const text = at(the(objects, 'ConfigMap', 'hallpass'), 'data', 'hallpass.yaml') as string;
    const named = [...text.matchAll(/\/run\/secrets\/hallpass\/(\S+)/g)].map((match) => match[1]);
    const volumes = at(
      the(objects, 'Deployment'),
      'spec',
      'template',
      'spec',
      'volumes',
    ) as object[];
    const secrets = volumes.find((it) => at(it, 'name') === 'secrets');
    const mountedPaths = (at(secrets, 'projected', 'sources') as object[]).flatMap((source) =>
      (at(source, 'secret', 'items') as Items).map(({ path }) => path),
    );
    expect(new Set(mountedPaths)).toEqual(new Set(named));
    expect(new Set(mountedPaths).size).toBe(mountedPaths.length);
    expect(text).not.toContain('existingSecret');
  });

  test('is beside the certificates that trustedCa names, which Node is told to trust, in every Pod', async () => {
    for (const from of ['existingConfigMap', 'existingSecret']) {
      const objects = await lab.render({ trustedCa: { [from]: 'company-ca', key: 'ca.pem' } });
      for (const kind of ['Deployment', 'Job'] as const) {
        const container = at(the(objects, kind), 'spec', 'template', 'spec', 'containers', 0);
        const variables = new Map(
          (at(container, 'env') as { name: string; value: string }[]).map((it) => [
            it.name,
            it.value,
          ]),
        );
        const path = join(
          await mounted(objects, kind),
          variables.get('NODE_EXTRA_CA_CERTS') ?? 'none',
        );
        expect(await readFile(path, 'utf8')).toBe(HELD['company-ca/ca.pem']);
      }
    }
    const usual = await lab.render();
    expect(JSON.stringify(usual)).not.toContain('NODE_EXTRA_CA_CERTS');
    expect(JSON.stringify(await lab.render({ trustedCa: { key: 'a' } }))).toBe(
      JSON.stringify(usual),
    );
  });

  test('gives migrations the owner’s URL and the name of who serves, and nothing else', async () => {
    const objects = await lab.render(EVERY_SECTION);
    const database = loadDatabaseConfig({ HALLPASS_CONFIG: await configuration(objects, 'Job') });
    if (isConfigProblem(database)) throw new Error(JSON.stringify(database.mistakes));
    expect(database.ownerUrl?.reveal()).toBe(HELD['hallpass-database-owner/url']);
    expect(database.serviceUser).toBe('hallpass');
  });
});
