import '../support/needs.containers.js';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { RecordingList } from '../../src/contract/recording.schema.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import { BrokerLab } from '../support/broker.lab.js';
import { TerminalClient } from '../support/terminal.client.js';
import { BrokerProcess } from './broker.process.js';
import { builtProgram } from './built.tree.js';

const POLICIES = join(PROJECT_ROOT, 'test', 'crash', 'policies');

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start({ cluster: { port: 0 } });
});
afterAll(() => lab[Symbol.asyncDispose]());

async function connect(robin: ApiClient, id: string): Promise<TerminalClient> {
  const body = { kind: 'terminal' };
  const answer = await robin.call('POST', `/v1/sessions/${id}/tickets`, { body });
  const { ticket } = TicketView.parse(answer.body);
  const client = TerminalClient.connect(Number(new URL(robin.url).port), { id, ticket });
  await client.said('open');
  return client;
}

async function shows(client: TerminalClient, text: string): Promise<void> {
  const seen = () => expect(client.bytes().toString()).toContain(text);
  await vi.waitFor(seen, { timeout: 20_000, interval: 10 });
}

test('the stream of a killed replica is taken up again on another, and its recording is ended there', async () => {
  const surroundings = { policies: POLICIES, log: { level: 'fatal' as const } };
  const { path: configPath } = await lab.config(surroundings);
  const program = builtProgram('test/crash', 'crashing.broker');
  await using first = await BrokerProcess.start(program, { configPath, lost: [] });
  const second = await lab.broker({ surroundings });
  const pod = uniqueName('web');
  lab.sandbox.cluster.addPod({
    namespace: 'staging',
    name: pod,
    image: 'docker.io/library/busybox:1',
    command: ['sleep', '3600'],
  });
  await lab.sandbox.cluster.untilPod('staging', pod, (it) => it?.status.phase === 'Running');
  const robin = await lab.as('requester', first);
  const elsewhere = await lab.as('requester', second);
  const { id } = await robin.ask({
    namespace: 'staging',
    target: { pod },
    profile: 'shell',
    reason: 'orders are stuck',
    durationSeconds: 300,
  });
  const before = await robin.until(id, ['active']);
  const recordings = async () =>
    RecordingList.parse((await elsewhere.call('GET', `/v1/sessions/${id}/recordings`)).body).items;

  const terminal = await connect(robin, id);
  terminal.type('echo left-$((40 + 2)) | tee /tmp/left\n');
  await shows(terminal, 'left-42');
  // What a second or more has passed since is stored, whatever happens then.
  const isStored = async () => ((await recordings())[0]?.chunks ?? 0) > 0;
  await vi.waitUntil(isStored, { timeout: 20_000, interval: 20 });
  await first.kill();
  expect(await terminal.closed()).toBe(1006);

  const again = await connect(elsewhere, id);
  again.type('cat /tmp/left; echo again-$((1 + 1))\n');
  await shows(again, 'again-2');
  expect(again.bytes().toString()).toContain('left-42');
  const { state, container } = await elsewhere.session(id);
  expect([state, container?.name]).toEqual(['active', before.container?.name]);

  // Silent for so long that it is dead: waiting for it would take the test as long.
  await asAdmin(lab.database.adminUrl, (client) =>
    client.query(
      `UPDATE recordings SET beat_at = beat_at - interval '30 s' WHERE ended_at IS NULL AND replica IN
         (SELECT replica FROM recordings WHERE session_id = $1 ORDER BY started_at LIMIT 1)`,
      [id],
    ),
  );
  const states = async () => (await recordings()).map((it) => it.state);
  await vi.waitUntil(async () => (await states())[0] === 'abandoned', {
    timeout: 60_000,
    interval: 200,
  });
  expect(await states()).toEqual(['abandoned', 'running']);
  const [left] = await recordings();
  const cast = await elsewhere.call('GET', `/v1/recordings/${left?.id}/cast`);
  expect(String(cast.body)).toContain('left-42');
  expect(String(cast.body)).not.toContain('Broken');
  const events = await (await lab.as('auditor', second)).audit(id);
  const abandoned = events.filter(({ action }) => action === 'recording.abandoned');
  expect(abandoned.map(({ body }) => (body as { data: object }).data)).toEqual([
    expect.objectContaining({ recording: left?.id, digest: left?.digest, chunks: left?.chunks }),
  ]);
  again.type('exit\n');
  await again.said('end');
  await elsewhere.act(id, 'end');
  await elsewhere.until(id, ['ended']);
}, 180_000);
