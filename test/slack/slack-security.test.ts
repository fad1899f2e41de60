import '../support/needs.containers.js';
import { mkdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ACCOUNT, auditEntryOf } from '../support/audit.entries.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { SlackBroker } from '../support/slack.story.lab.js';
import { SlackStoryLab, SOON } from '../support/slack.story.lab.js';

const TOKEN = 'a-token-of-the-api-server-0123456789abcdef';

// A test waits for several messages, one after the other.
vi.setConfig({ testTimeout: 120_000 });

let lab: SlackStoryLab;
let broker: SlackBroker;
let anchor: string;
beforeAll(async () => {
  lab = await SlackStoryLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(async () => {
  broker = await started();
});
afterEach(async () => {
  lab.lab.sandbox.cluster.faults.clear();
  await broker.stop();
});

/** A broker that is told what the API server saw, and that puts checkpoints by. It looks for incidents at once. */
async function started(): Promise<SlackBroker> {
  const { folder } = lab.lab.sandbox;
  const tokenFile = join(folder, 'audit-webhook');
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  anchor = join(folder, 'anchor');
  return lab.broker({
    clusterAudit: { account: ACCOUNT, tokenFile },
    anchors: [{ name: 'vault', kind: 'file', file: anchor, everySeconds: 1 }],
    sessions: { overrunSeconds: 1 },
  });
}

/** What the owner of the database does past all rules. Gives what the last of it came to. */
async function asAdmin(...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: lab.lab.database.adminUrl });
  await client.connect();
  let rows: Record<string, unknown>[] = [];
  for (const sql of statements) ({ rows } = await client.query<Record<string, unknown>>(sql));
  await client.end();
  return rows;
}

/** The alarms in the security channel that say this. */
async function alarms(words: string): Promise<string[]> {
  const messages = await lab.slack.messages(lab.places.security);
  return messages.map((message) => JSON.stringify(message)).filter((it) => it.includes(words));
}

async function glassBroken(durationSeconds: number): Promise<string> {
  const robin = await lab.as('requester', broker);
  const { id } = await robin.ask({
    namespace: 'payments',
    target: { pod: await lab.pod() },
    profile: 'shell',
    reason: 'all orders fail <!channel>',
    durationSeconds,
    breakGlass: true,
  });
  return id;
}

test('broken glass is told, and that its review is overdue, and that it was reviewed', async () => {
  const id = await glassBroken(120);
  const broken = await lab.says(id, 'security', 'Its review is due');
  expect(JSON.stringify(broken)).toContain('The glass was broken');
  await (await lab.as('requester', broker)).act(id, 'end');
  await lab.until(broker, id, 'ended');
  await asAdmin(
    `ALTER TABLE review_debts DISABLE TRIGGER ALL`,
    `UPDATE review_debts SET due_at = now() - interval '1 minute' WHERE session_id = '${id}'`,
    `ALTER TABLE review_debts ENABLE TRIGGER ALL`,
  );
  await broker.stop();
  broker = await started();
  const overdue = await lab.says(id, 'security', 'Its review is overdue');
  expect(overdue.ts).toBe(broken.ts);
  await expect.poll(() => lab.under('security', overdue), SOON).toEqual(['Its review is overdue.']);
  const alex = await lab.as('approver', broker);
  const reviewed = await alex.call('POST', `/v1/sessions/${id}/review`, {
    body: { finding: 'justified', comment: 'orders did fail' },
  });
  expect(reviewed.status).toBe(200);
  expect((await lab.says(id, 'security', 'Reviewed by')).ts).toBe(broken.ts);
});

test('a container that does not end is told, until it has ended', async () => {
  // So long, at the most, its container runs on.
  const id = await glassBroken(18);
  const robin = await lab.as('requester', broker);
  const { pod } = await robin.until(id, ['active']);
  lab.lab.sandbox.cluster.faults.add({
    match: { path: new RegExp(`${pod?.name ?? ''}/(?:attach|exec)`) },
    effect: { kind: 'refuse', status: 500 },
  });
  await robin.act(id, 'end');
  const overrun = await lab.says(id, 'security', '*Will not end*');
  await expect
    .poll(() => lab.under('security', overrun), SOON)
    .toEqual(['Its container does not end.']);
  await lab.until(broker, id, 'ended');
  expect((await lab.says(id, 'security', 'Ended by its requester')).ts).toBe(overrun.ts);
});

/** What the API server's audit log has of somebody who debugs a Pod past Hallpass, told twice. */
async function goPast(pod: string): Promise<void> {
  const past = auditEntryOf({
    method: 'PATCH',
    path: `/api/v1/namespaces/payments/pods/${pod}/ephemeralcontainers`,
    status: 200,
    body: { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox' }] } },
  });
  const events = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [past] };
  for (let times = 0; times < 2; times += 1) {
    const answer = await fetch(`${broker.url}/v1/clusters/sandbox/audit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(await answer.json()).toEqual({ read: 1, unreadable: 0 });
  }
}

test('whoever goes past Hallpass is told of, once', async () => {
  const pod = await lab.pod();
  await goPast(pod);
  await expect.poll(() => alarms(pod), SOON).toHaveLength(1);
  expect((await alarms(pod))[0]).toContain('mallory');
});

test('an anchor that fails is told of', async () => {
  const read = () => readFile(anchor, 'utf8');
  const late = async () => {
    const [row] = await asAdmin(
      `SELECT count(*)::int AS late FROM audit_checkpoints c, audit_anchors a WHERE c.size > a.size`,
    );
    return row?.['late'];
  };
  // A broker that never saw the anchor signs nothing: this one has, once it has put something there.
  const before = await read();
  await goPast(await lab.pod());
  await expect.poll(read, SOON).not.toBe(before);
  await expect.poll(late, SOON).toBe(0);
  await rename(anchor, `${anchor}-away`);
  await mkdir(anchor);
  const pod = await lab.pod();
  await goPast(pod);
  await expect.poll(late, SOON).toBeGreaterThan(0);
  await broker.stop();
  await asAdmin(
    'ALTER TABLE audit_checkpoints DISABLE TRIGGER ALL',
    `UPDATE audit_checkpoints SET signed_at = signed_at - interval '1 hour'`,
    'ALTER TABLE audit_checkpoints ENABLE TRIGGER ALL',
  );
  broker = await started();
  await expect.poll(() => alarms('An anchor of the audit log fails'), SOON).toHaveLength(1);
  expect((await alarms('An anchor of the audit log fails'))[0]).toContain('vault');
  await rmdir(anchor);
  await rename(`${anchor}-away`, anchor);
});

test('an archived security channel is seen by whoever looks at the channels, and told once it is back', async () => {
  await lab.slack.ask('conversations.archive', { channel: lab.places.security });
  const pod = await lab.pod();
  await goPast(pod);
  const ada = await lab.as('admin', broker);
  await expect
    .poll(async () => (await ada.call('GET', '/v1/channels')).body, SOON)
    .toMatchObject({
      items: [
        {
          name: 'slack-security',
          kind: 'slack',
          state: 'failing',
          // That the anchor of before is back may wait as well.
          waiting: expect.toSatisfy((count: number) => count >= 1),
          lastError: 'Slack says no: is_archived',
        },
      ],
    });
  await using home = await HallpassHome.make({
    HALLPASS_TOKEN: ada.bearer,
    HALLPASS_SERVER: broker.url,
  });
  const { stdout } = await home.run(['channels', 'list']);
  expect(stdout.toString()).toMatch(/slack-security.*failing/);
  const tested = await ada.call('POST', '/v1/channels/slack-security/test');
  expect(tested.body).toEqual({ outcome: 'away', detail: 'Slack says no: is_archived' });
  await lab.slack.ask('conversations.unarchive', { channel: lab.places.security });
  await expect.poll(() => alarms(pod), SOON).toHaveLength(1);
});
