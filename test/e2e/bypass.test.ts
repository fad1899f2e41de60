import '../support/needs.containers.js';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { Database } from '../../src/adapters/prisma/database.js';
import type { Broker } from '../../src/broker.js';
import { isProblem } from '../../src/domain/problem.js';
import { ACCOUNT, auditEntryOf } from '../support/audit.entries.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { command, EnteringLab } from './entering.lab.js';

/** Whole brokers that are told what the API server of the stand-in cluster saw. */
const TOKEN = 'a-token-of-the-sandbox-0123456789abcdef';
/** How soon the log must say what an API server told. */
const SECONDS = { timeout: 15_000, interval: 50 };

let lab: EnteringLab;
let database: Database;
let broker: Broker;
let logFile: string;
beforeAll(async () => {
  lab = await EnteringLab.start();
  database = new Database({ url: lab.lab.database.serviceUrl, poolSize: 2 }, () => undefined);
  const folder = lab.lab.sandbox.folder;
  logFile = join(folder, 'audit.log');
  const tokenFile = join(folder, 'audit-webhook');
  await writeFile(tokenFile, `${TOKEN}\n`);
  await writeFile(join(folder, 'admin.kubeconfig'), lab.cluster.kubeconfig());
  broker = await lab.broker({}, { clusterAudit: { account: ACCOUNT, tokenFile, logFile } });
});
afterAll(async () => {
  await database.close();
  await lab[Symbol.asyncDispose]();
});

/** Enters the container of a Pod as the admin of the cluster, past the broker. */
async function execPastBroker(pod: string, containerName: string): Promise<void> {
  const kubeconfig = join(lab.lab.sandbox.folder, 'admin.kubeconfig');
  const admin = new KubernetesClusters({
    clusters: [{ name: 'sandbox', inCluster: false, kubeconfig, namespaces: ['staging'] }],
    log: new MemoryJournal(),
  });
  try {
    const podUid = lab.cluster.pod('staging', pod)?.metadata.uid ?? '';
    const pin = { podName: pod, podUid, nodeName: '' };
    const place = { cluster: 'sandbox', namespace: 'staging', pin, containerName };
    const answer = await admin.run(place, ['true']);
    if (isProblem(answer)) throw new Error(answer.detail);
  } finally {
    await admin.close();
  }
}

/** What the API server's audit log has of a Pod's containers, of all that was really asked of it. */
function auditedOf(pod: string): Record<string, unknown>[] {
  const path = new RegExp(`/pods/${pod}/(ephemeralcontainers|exec|attach)`);
  const body = {
    spec: { ephemeralContainers: lab.cluster.pod('staging', pod)?.spec.ephemeralContainers },
  };
  return lab.cluster.requests.find({ path }).map((asked) =>
    auditEntryOf(
      { ...asked, ...(asked.method === 'PATCH' ? { body } : {}) },
      {
        user: { username: asked.user },
        requestReceivedTimestamp: asked.at.toISOString().replace('Z', '001Z'),
      },
    ),
  );
}

const BY_WAY = {
  webhook: async (items: Record<string, unknown>[]) => {
    const answer = await fetch(`${broker.url}/v1/clusters/sandbox/audit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        kind: 'EventList',
        apiVersion: 'audit.k8s.io/v1',
        metadata: {},
        items,
      }),
    });
    expect(await answer.json()).toEqual({ read: items.length, unreadable: 0 });
  },
  'log file': (items: Record<string, unknown>[]) =>
    appendFile(logFile, items.map((it) => `${JSON.stringify(it)}\n`).join('')),
};

interface Seen {
  readonly action: string;
  readonly use: string;
  readonly user: string;
  readonly isPlaced: boolean;
}

/** What the audit log says of a Pod's containers, and whether it has its place in the signed log yet. */
async function seenOf(pod: string): Promise<Seen[]> {
  const { rows } = await database.pool.query<Seen>(
    `SELECT e.action, b.body #>> '{data,use}' AS use, b.body #>> '{data,user,name}' AS user, l.event_id IS NOT NULL AS "isPlaced"
     FROM audit_events e JOIN LATERAL (SELECT convert_from(e.body, 'UTF8')::jsonb AS body) b ON true
     LEFT JOIN audit_leaves l ON l.event_id = e.id
     WHERE e.action IN ('bypass.found', 'kubernetes.seen') AND b.body #>> '{data,pod}' = $1 ORDER BY e.at, e.id`,
    [pod],
  );
  return rows;
}

test.each(['webhook', 'log file'] as const)(
  'whoever enters past a broker is found within seconds by %s, and what the broker did is its session’s',
  async (way) => {
    const { id, pod } = await lab.active(broker);
    const inside = await lab.enter(broker, id, command('echo seen'));
    await inside.sees('seen');
    const [container] = lab.cluster.pod('staging', pod)?.spec.ephemeralContainers ?? [];
    await execPastBroker(pod, container?.name ?? '');

    await BY_WAY[way](auditedOf(pod));
    await vi.waitFor(async () => {
      const seen = await seenOf(pod);
      expect(seen).toEqual(
        expect.arrayContaining([
          { action: 'kubernetes.seen', use: 'container-added', user: ACCOUNT, isPlaced: true },
          { action: 'kubernetes.seen', use: 'exec', user: ACCOUNT, isPlaced: true },
        ]),
      );
      expect(seen.filter(({ action }) => action === 'bypass.found')).toEqual([
        { action: 'bypass.found', use: 'exec', user: 'kubernetes-admin', isPlaced: true },
      ]);
    }, SECONDS);
    await vi.waitFor(async () => {
      const { rows } = await database.pool.query(
        `SELECT session_id AS session, delivered_at IS NOT NULL AS delivered FROM outbox
         WHERE topic = 'bypass' AND payload #>> '{bypass,pod}' = $1`,
        [pod],
      );
      expect(rows).toEqual([{ session: id, delivered: true }]);
    }, SECONDS);
  },
  60_000,
);
