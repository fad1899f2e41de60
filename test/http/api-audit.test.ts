import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaBypassStore } from '../../src/adapters/prisma/prisma-bypass.store.js';
import { PrismaOutbox } from '../../src/adapters/prisma/prisma-outbox.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { DetectBypass } from '../../src/app/detect-bypass.js';
import type { News } from '../../src/app/ports/outbox.js';
import { ReceiveAudit } from '../../src/app/receive-audit.js';
import { containerName } from '../../src/domain/session/debug-container.js';
import type { Session } from '../../src/domain/session/session.js';
import { ACCOUNT, auditEntryOf, kubectlEntries, recordedEntry } from '../support/audit.entries.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { keptSession } from '../support/kept.session.js';
import { LogLab } from '../support/log.lab.js';

const TOKEN = 'a-token-of-the-sandbox-0123456789abcdef';
const OTHER = 'a-token-of-another-0123456789abcdef0123';

let lab: LogLab;
let api: Api;
let session: Session;
let podPath: string;
beforeAll(async () => {
  lab = await LogLab.start();
  const store = new PrismaSessionStore(lab.database);
  const kept = await store.find(await keptSession(lab.database));
  if (!kept) throw new Error('no session');
  // It has begun.
  const started = { ...kept, startingAt: new Date(Date.now() - 1_000) };
  session = started;
  podPath = `/api/v1/namespaces/${kept.request.namespace}/pods/${kept.pin?.podName}`;
  const detect = new DetectBypass({
    store: { find: (id) => Promise.resolve(id === started.id ? started : undefined) },
    bypasses: new PrismaBypassStore(lab.database),
    clock: { now: () => new Date() },
    journal: lab.journal,
    replica: 'test',
  });
  const clusters = [
    { name: 'sandbox', account: ACCOUNT, token: () => TOKEN },
    { name: 'other', account: ACCOUNT, token: () => OTHER },
  ];
  api = await startApi({ deps: { receiveAudit: new ReceiveAudit({ detect, clusters }) } });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const list = (...items: unknown[]) => ({
  kind: 'EventList',
  apiVersion: 'audit.k8s.io/v1',
  metadata: {},
  items,
});

function send(body: unknown, who: string | undefined = TOKEN, cluster = 'sandbox') {
  return api.call('receiveKubernetesAudit', {
    who,
    method: 'POST',
    path: `/v1/clusters/${cluster}/audit`,
    body,
  });
}

/** The events that stand in the log of these calls. */
async function eventsOf(...entries: Record<string, unknown>[]) {
  const { rows } = await lab.database.pool.query<{ action: string; session: string; body: Buffer }>(
    `SELECT action, session_id AS session, body FROM audit_events
     WHERE action IN ('bypass.found', 'kubernetes.seen') ORDER BY at, id`,
  );
  const ids = entries.map(({ auditID }) => auditID);
  return rows
    .map(({ action, session: of, body }) => ({ action, of, ...JSON.parse(String(body)).data }))
    .filter(({ auditId }) => ids.includes(auditId));
}

async function told(): Promise<News[]> {
  const all: News[] = [];
  await new PrismaOutbox(lab.database).deliver(1_000, (news) => {
    all.push(news);
    return Promise.resolve();
  });
  return all.filter(({ topic }) => topic === 'bypass');
}

describe('what an API server sends', () => {
  test('tells of a container that somebody added, as an event and in the outbox', async () => {
    await told();
    const entry = recordedEntry('patch/created.json');
    const answer = await send(list(entry));
    expect([answer.status, answer.body]).toEqual([200, { read: 1, unreadable: 0 }]);
    expect(await eventsOf(entry)).toEqual([
      expect.objectContaining({
        action: 'bypass.found',
        severity: 'high',
        why: 'another-account',
        use: 'container-added',
        cluster: 'sandbox',
        namespace: 'lab',
        pod: 'web',
        user: { name: 'mallory', groups: ['system:authenticated'] },
        addresses: ['192.0.2.7'],
      }),
    ]);
    expect(await told()).toEqual([
      expect.objectContaining({
        payload: { bypass: expect.objectContaining({ auditId: entry['auditID'] }) },
      }),
    ]);
  });

  test('tells once, in however many stages and however often it is sent', async () => {
    const entry = recordedEntry('stream/exec-tty.json', {
      requestURI: '/api/v1/namespaces/lab/pods/web/exec?container=debugger-x&command=sh',
    });
    const later = { ...entry, stage: 'ResponseComplete' };
    await Promise.all([send(list(entry, later)), send(list(later)), send(list(entry))]);
    await send(list(entry));
    expect(await eventsOf(entry)).toMatchObject([{ use: 'exec', command: ['sh'] }]);
    expect(await told()).toHaveLength(1);
  });

  test('tells of two calls that bear one audit id, for callers choose theirs', async () => {
    const entry = recordedEntry('patch/created.json');
    await send(list(entry, { ...entry, user: { username: 'second' } }));
    expect(await eventsOf(entry)).toHaveLength(2);
  });

  test('joins a call of the broker’s to the session that it was for, and tells nobody', async () => {
    await told();
    const name = containerName(session);
    const user = { username: ACCOUNT };
    const added = auditEntryOf(
      {
        method: 'PATCH',
        path: `${podPath}/ephemeralcontainers`,
        status: 200,
        body: { spec: { ephemeralContainers: [{ name }] } },
      },
      { user },
    );
    const entered = auditEntryOf(
      { method: 'GET', path: `${podPath}/exec?container=${name}`, status: 101 },
      { user },
    );
    await send(list(added, entered));
    expect(await eventsOf(added, entered)).toMatchObject([
      { action: 'kubernetes.seen', of: session.id, use: 'container-added' },
      { action: 'kubernetes.seen', of: session.id, use: 'exec' },
    ]);
    expect(await told()).toEqual([]);
  });

  test('tells of somebody else in a session’s container, and of which session', async () => {
    const path = `${podPath}/attach?container=${containerName(session)}`;
    const entry = auditEntryOf({ method: 'GET', path, status: 101 });
    await send(list(entry));
    expect(await eventsOf(entry)).toMatchObject([
      { action: 'bypass.found', of: session.id, why: 'another-account' },
    ]);
  });

  test('tells of the broker’s own account where no session is behind it, as in another cluster', async () => {
    const path = `${podPath}/exec?container=${containerName(session)}`;
    const entry = auditEntryOf(
      { method: 'GET', path, status: 101 },
      { user: { username: ACCOUNT } },
    );
    await send(list(entry), OTHER, 'other');
    expect(await eventsOf(entry)).toMatchObject([{ action: 'bypass.found', why: 'no-session' }]);
  });

  test('tells of entering a container of any name that it sees being added, before or after, and of no other', async () => {
    const enter = (container: string) =>
      auditEntryOf({
        method: 'GET',
        path: `/api/v1/namespaces/lab/pods/plain/exec?container=${container}`,
        status: 101,
      });
    const added = auditEntryOf({
      method: 'PATCH',
      path: '/api/v1/namespaces/lab/pods/plain/ephemeralcontainers',
      status: 200,
      body: { spec: { ephemeralContainers: [{ name: 'innocent' }] } },
    });
    const [before, into, app] = [enter('innocent'), enter('innocent'), enter('app')];
    await send(list(before, added, into, app));
    const told = (await eventsOf(before, into, app)).map(({ auditId }) => auditId);
    expect(told.sort()).toEqual([before['auditID'], into['auditID']].sort());
  });

  test('of all that kubectl does in debugging, tells of the one call', async () => {
    const entries = kubectlEntries('kubectl/1.36/debug-ephemeral.json');
    await send(list(...entries));
    expect(await eventsOf(...entries)).toMatchObject([{ use: 'container-added' }]);
  });

  test('hides nothing behind entries that are none, deep ones and long words', async () => {
    let deep: unknown = 1;
    for (let n = 0; n < 3_000; n++) deep = { deep };
    const entry = recordedEntry('patch/created.json', {
      user: { username: 'm'.repeat(100_000), groups: Array(5_000).fill('g'.repeat(300)) },
      userAgent: '\ud800\u0000'.repeat(1_000),
      requestObject: {
        spec: {
          ephemeralContainers: Array(1_000)
            .fill({ name: 'n'.repeat(2_000), deep })
            .slice(0, 2),
        },
      },
    });
    const answer = await send(list(null, 7, {}, { ...entry, user: 1 }, entry));
    expect(answer.body).toEqual({ read: 1, unreadable: 4 });
    expect(await eventsOf(entry)).toHaveLength(1);
    expect(lab.journal.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  test('is refused where it is no list of events, or larger than 10 MiB', async () => {
    expect((await send({ kind: 'Event' })).status).toBe(422);
    expect((await send('[')).status).toBe(400);
    expect((await send(list('x'.repeat(10 * 1024 * 1024)))).status).toBe(413);
  });
});

describe('many at once', () => {
  /** A batch that has begun and does not go on. */
  async function slow(cluster: string, token: string): Promise<Socket> {
    const { port, hostname } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `POST /v1/clusters/${cluster}/audit HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    return socket;
  }

  test('are refused beyond four of one cluster, to come again, and keep no other cluster out', async () => {
    const begun: Socket[] = [];
    try {
      for (let n = 0; n < 4; n++) begun.push(await slow('sandbox', TOKEN));
      await expect.poll(async () => (await send(list())).status).toBe(429);
      const answer = await send(list());
      expect([answer.headers.get('retry-after'), answer.body]).toEqual([
        '1',
        expect.objectContaining({ type: 'urn:hallpass:problem:too-many-requests' }),
      ]);
      expect((await send(list(), OTHER, 'other')).status).toBe(200);
    } finally {
      for (const socket of begun) socket.destroy();
    }
    // Who broke off makes room.
    await expect.poll(async () => (await send(list())).status).toBe(200);
  });
});

test('whatever comes is answered, and leaves nothing behind that has no call in it', async () => {
  const before = await lab.count('kubernetes_calls');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.array(fc.jsonValue()).map((items) => JSON.stringify(list(...items))),
        fc
          .array(fc.constantFrom('auditID', 'stage', 'verb', 'user', 'objectRef', 'requestObject'))
          .chain((names) =>
            fc.jsonValue().map((value) => {
              const over = Object.fromEntries(names.map((name) => [name, value]));
              return JSON.stringify(list(recordedEntry('patch/rbac-denied.json', over)));
            }),
          ),
      ),
      async (body) => {
        const response = await fetch(`${api.url}/v1/clusters/sandbox/audit`, {
          method: 'POST',
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
          body,
        });
        expect([200, 400, 422]).toContain(response.status);
        await response.arrayBuffer();
      },
    ),
    { numRuns: 200 },
  );
  expect(await lab.count('kubernetes_calls')).toBe(before);
});

describe('a stranger', () => {
  test.each([
    ['without a token', undefined, 'sandbox'],
    ['with a wrong one', 'x'.repeat(40), 'sandbox'],
    ['with another cluster’s', OTHER, 'sandbox'],
    ['with the token of a person', 'auditor', 'sandbox'],
    ['who asks for a cluster that is not there', TOKEN, 'nowhere'],
    ['who asks for what every object has', TOKEN, 'constructor'],
  ])('%s learns nothing, not even whether there is such a cluster', async (_, who, cluster) => {
    const entry = recordedEntry('patch/created.json');
    const answers = [];
    for (const body of [list(entry), '[', { kind: 'Event' }])
      answers.push(
        await api.call('receiveKubernetesAudit', {
          ...(who === undefined ? {} : { who }),
          method: 'POST',
          path: `/v1/clusters/${cluster}/audit`,
          body,
        }),
      );
    for (const { status, body } of answers)
      expect([status, body]).toEqual([
        404,
        expect.objectContaining({
          type: 'urn:hallpass:problem:not-found',
          detail: 'There is nothing here.',
        }),
      ]);
    expect(await eventsOf(entry)).toEqual([]);
  });
});
