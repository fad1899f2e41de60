import { access, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileAnchor } from '../../sandbox/broker/broker.config.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { freePort } from '../../sandbox/free.port.js';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { BrokerLab } from '../support/broker.lab.js';
import { doctor } from './doctor.lab.js';

const DIGEST = `registry.example.com/debug@sha256:${'a'.repeat(64)}`;

let lab: BrokerLab;

beforeAll(async () => {
  lab = await BrokerLab.start();
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose]());

describe('a broker that runs', () => {
  test('has an anchor that agrees, and an API server whose audit log was heard of', async () => {
    const anchors = [{ ...fileAnchor(lab.sandbox.folder), everySeconds: 1 }];
    const managementPort = await freePort(0);
    const tokenFile = join(lab.sandbox.folder, 'audit-token');
    const token = 'a-token-that-nobody-guesses-0123456789';
    await writeFile(tokenFile, token);
    const account = 'system:serviceaccount:hallpass:hallpass';
    const surroundings = {
      ...{ anchors, server: { managementPort } },
      clusterAudit: { account, tokenFile },
    };
    const broker = await lab.broker({ surroundings });
    const { path } = await lab.config(surroundings);
    expect((await doctor({ config: path })).row('audit-webhook', '')).toMatchObject({
      verdict: 'warning',
    });
    const sent = await fetch(`${broker.url}/v1/clusters/sandbox/audit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] }),
    });
    expect(sent.ok).toBe(true);
    await expect
      .poll(async () => (await doctor({ config: path })).row('anchors', 'sandbox').seen, {
        timeout: 15_000,
      })
      .toContain('agree with the database');
    expect((await doctor({ config: path })).row('audit-webhook', '').verdict).toBe('ok');
    await broker.stop();

    const elsewhere = { ...fileAnchor(lab.sandbox.folder), file: join(lab.sandbox.folder, 'gone') };
    const lost = await lab.config({ anchors: [elsewhere] });
    expect((await doctor({ config: lost.path })).row('anchors', 'sandbox').verdict).toBe('failure');
    await expect(access(elsewhere.file)).rejects.toThrow('ENOENT');
  });

  test('whose image a node could not have fails by how starts went, and others by their names alone', async () => {
    const folder = join(lab.sandbox.folder, 'policies-without-image');
    await cp(join(PROJECT_ROOT, 'sandbox', 'policies'), folder, { recursive: true });
    const profiles = join(folder, 'profiles.yaml');
    const text = await readFile(profiles, 'utf8');
    await writeFile(profiles, text.replace('hallpass.sandbox/busybox:1', DIGEST));
    const surroundings = { policies: folder };
    const broker = await lab.broker({ surroundings });
    const robin = await lab.as('requester', broker);
    const asked = await robin.ask({
      namespace: 'staging',
      target: { workload: { kind: 'Deployment', name: 'cart' } },
      profile: 'shell',
      reason: 'it is slow',
    });
    await robin.until(asked.id, ['ending', 'ended']);
    const { path } = await lab.config(surroundings);
    const found = await doctor({ config: path });
    expect(found.row('images', 'shell')).toMatchObject({
      verdict: 'failure',
      seen: expect.stringMatching(/^1 starts? .* from registry\.example\.com$/),
    });
    expect(found.row('images', 'restricted').verdict).toBe('warning');
    await broker.stop();
  });

  test('whose database lost a trigger, or what an anchor holds, fails', async () => {
    const sql = (text: string) => asAdmin(lab.database.adminUrl, (client) => client.query(text));
    const anchors = [fileAnchor(lab.sandbox.folder)];
    const { path } = await lab.config({ anchors });
    const before = await doctor({ config: path });
    expect(before.row('anchors', 'sandbox').seen).toContain('agree');
    expect(before.row('database-triggers', '').verdict).toBe('ok');
    await sql(
      `ALTER TABLE audit_leaves DISABLE TRIGGER ALL; DELETE FROM audit_leaves;
       ALTER TABLE audit_events ENABLE TRIGGER append_only_rows`,
    );
    const after = await doctor({ config: path });
    expect(after.row('database-triggers', '')).toMatchObject({
      verdict: 'failure',
      seen: expect.stringContaining('audit_leaves.append_only_rows'),
    });
    expect(after.row('anchors', 'sandbox').verdict).toBe('failure');
  });
});
