import '../support/needs.containers.js';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Broker } from '../../src/broker.js';
import { AuditPage } from '../../src/contract/audit.schema.js';
import { CHANNELS, TicketView } from '../../src/contract/terminal.schema.js';
import { BrokerLab } from '../support/broker.lab.js';
import { tookMs } from '../support/own.time.js';
import type { ReceivedSpan } from '../support/otlp.receiver.js';
import { OtlpReceiver } from '../support/otlp.receiver.js';
import { TerminalClient } from '../support/terminal.client.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const SENT = `00-${TRACE}-${SPAN}-01`;
const REASON = 'a-reason-that-nobody-else-gives';
const TYPED = 'typed-and-not-to-be-told';
const HEADER = 'a-key-of-a-vendor';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start({ cluster: { port: 0 } });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What is logged by all brokers of this process: requests to any of them are in the log of the first. */
const lines: Line[] = [];
const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };

function broker(tracing: object): Promise<Broker> {
  return lab.broker({ surroundings: { tracing, log: { level: 'info' } }, logTo });
}

function requestLines(): readonly Line[] {
  return lines.filter(({ msg }) => msg === 'request completed');
}

interface Line {
  readonly msg: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** Asks for a session on a Pod of its own. In `payments` somebody has to consent. */
async function ask(
  client: ApiClient,
  namespace: 'staging' | 'payments',
  headers: Record<string, string> = {},
) {
  const podName = uniqueName('web');
  const { cluster } = lab.sandbox;
  const command = ['sleep', '3600'];
  cluster.addPod({ namespace, name: podName, image: 'docker.io/library/busybox:1', command });
  await cluster.untilPod(namespace, podName, (pod) => pod?.status.phase === 'Running');
  const wish = {
    namespace,
    target: { pod: podName },
    profile: 'shell',
    reason: REASON,
    durationSeconds: 300,
  };
  return { podName, session: await client.ask(wish, headers) };
}

async function typeSomething(client: ApiClient, { url }: Broker, id: string): Promise<string> {
  const answer = await client.call('POST', `/v1/sessions/${id}/tickets`, {
    body: { kind: 'terminal' },
  });
  const { ticket } = TicketView.parse(answer.body);
  const terminal = TerminalClient.connect(Number(new URL(url).port), { id, ticket });
  await terminal.said('open');
  terminal.type(`echo ${TYPED}\n`);
  await expect.poll(() => terminal.bytes(CHANNELS.stdout).toString()).toContain(TYPED);
  terminal.leave();
  return ticket;
}

async function events(id: string, on: Broker) {
  const auditor = await lab.as('auditor', on);
  const { body } = await auditor.call('GET', `/v1/audit/events?session=${id}&limit=100`);
  return AuditPage.parse(body).items.map((it) => it.body as EventBody);
}

interface EventBody {
  readonly schema: string;
  readonly action: string;
  readonly traceparent?: string;
  readonly actor: { readonly kind: string };
}

/** The spans above a span, up to the first of its trace that came here. */
function above(span: ReceivedSpan, all: readonly ReceivedSpan[]): string[] {
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent.name, ...above(parent, all)] : [];
}

test('a session that one replica is asked for, and another starts, streams and ends, is one trace from asking to end', async () => {
  await using collector = await OtlpReceiver.start();
  const tracing = { otlp: { endpoint: collector.endpoint } };
  const asked = await broker(tracing);
  const robin = await lab.as('requester', asked);
  const { podName, session } = await ask(robin, 'payments', { traceparent: SENT });
  await asked.stop();

  const other = await broker(tracing);
  const [robinThere, alex] = [await lab.as('requester', other), await lab.as('approver', other)];
  await alex.decide(session, 'approve');
  await robinThere.until(session.id, ['active']);
  const ticket = await typeSomething(robinThere, other, session.id);
  await robinThere.act(session.id, 'end');
  await robinThere.until(session.id, ['ended']);
  await other.stop();

  const own = collector.spans.filter(({ traceId }) => traceId === TRACE);
  const [root, ...others] = own.filter(({ parentSpanId }) => parentSpanId === SPAN);
  expect([root?.name, others]).toEqual(['POST /v1/sessions', []]);
  const chains = own.map((span) => [span.name, ...above(span, own)].join(' < '));
  for (const chain of [
    'session.decide < POST /v1/sessions',
    'get pods < session.decide < POST /v1/sessions',
    'session.step < POST /v1/sessions',
    'patch pods/ephemeralcontainers < session.launch < POST /v1/sessions',
    'session.stream < POST /v1/sessions',
    'get pods/exec < session.stream < POST /v1/sessions',
    'session.finish < POST /v1/sessions',
  ])
    expect(chains).toContain(chain);
  // Two replicas, of which each did its part.
  const by = (name: string) =>
    new Set(own.filter((it) => it.name === name).map((it) => it.resource['service.instance.id']));
  expect([...by('session.decide')].filter((it) => by('session.stream').has(it))).toEqual([]);
  expect(by('session.finish')).toEqual(by('session.launch'));
  // The consent is a request of its own, which points to the session's trace.
  const consent = collector.spans.find(({ name }) => name === 'POST /v1/sessions/:id/decisions');
  expect(consent?.traceId).not.toBe(TRACE);
  expect(consent?.links).toEqual([TRACE]);

  const told = await lastEvents(session.id);
  expect(told.map(({ schema }) => schema)).toEqual(told.map(() => '1.3'));
  const traced = told.filter(({ traceparent }) => traceparent?.includes(TRACE));
  expect(traced.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['session.ask', 'session.start', 'session.run', 'session.finish']),
  );
  expect(traced.map(({ action }) => action)).toContain('recording.started');
  const approved = told.find(({ action }) => action === 'session.approve');
  expect(approved?.traceparent).toBe(`00-${consent?.traceId}-${consent?.spanId}-01`);

  const [line, ...more] = requestLines().filter((it) => it.trace_id === TRACE);
  expect(line).toMatchObject({ span_id: root?.spanId, trace_flags: '01' });
  expect(more).toEqual([]);

  const bytes = Buffer.concat(collector.bytes).toString('latin1');
  const { requester, approver } = PEOPLE;
  for (const secret of [
    ...[robin.bearer, alex.bearer, ticket, TYPED, REASON, podName],
    ...[requester.email, approver.email, requester.name],
  ])
    expect(bytes).not.toContain(secret);
  expect(new Set(own.map(({ attributes }) => attributes['hallpass.session.id']))).toEqual(
    new Set([undefined, session.id]),
  );

  async function lastEvents(id: string) {
    return events(id, await broker({}));
  }
});

test('without a collector nobody is told of anything, and a trace that somebody sends is in log and audit log all the same', async () => {
  lines.length = 0;
  const off = await broker({});
  const robin = await lab.as('requester', off);
  const { session: untraced } = await ask(robin, 'staging');
  await robin.until(untraced.id, ['active']);
  const { session: traced } = await ask(robin, 'staging', { traceparent: SENT });
  await robin.until(traced.id, ['active']);
  const { session: wrong } = await ask(robin, 'staging', { traceparent: `${SENT}, ${SENT}` });
  await robin.until(wrong.id, ['active']);

  for (const id of [untraced.id, wrong.id]) {
    expect((await events(id, off)).filter((it) => 'traceparent' in it)).toEqual([]);
  }
  const told = await events(traced.id, off);
  expect(told.map(({ traceparent }) => traceparent)).toEqual(told.map(() => SENT));
  const [line, ...more] = requestLines().filter((it) => it.trace_id !== undefined);
  expect(line).toMatchObject({ trace_id: TRACE, span_id: SPAN });
  expect(more).toEqual([]);
  expect(requestLines().length).toBeGreaterThan(3);
  const metrics = await (await fetch(`${off.managementUrl}/metrics`)).text();
  expect(metrics).toContain('hallpass_trace_spans_sent_total 0\n');
});

test.each([
  ['answers nothing', 'silent' as const],
  ['refuses everything', 403],
])(
  'a collector that %s delays nobody, and what it does not take is counted',
  async (_how, status) => {
    lines.length = 0;
    await using collector = await OtlpReceiver.start(status);
    const headersFile = join(lab.sandbox.surroundings.folder, 'otlp-headers');
    await writeFile(headersFile, `x-api-key: ${HEADER}\n`);
    const traced = await broker({ otlp: { endpoint: collector.endpoint, headersFile } });
    const robin = await lab.as('requester', traced);
    const { session } = await ask(robin, 'staging');
    await robin.until(session.id, ['active']);
    await robin.act(session.id, 'end');
    await robin.until(session.id, ['ended']);
    await vi.waitFor(() => expect(collector.requests.length).toBeGreaterThan(0), 10_000);
    expect(collector.requests[0]?.path).toBe('/v1/traces');
    expect(collector.requests[0]?.headers['x-api-key']).toBe(HEADER);
    if (status !== 'silent') {
      await vi.waitFor(async () => {
        const metrics = await (await fetch(`${traced.managementUrl}/metrics`)).text();
        expect(metrics).toMatch(/hallpass_trace_spans_dropped_total\{why="not-taken"\} [1-9]/);
      }, 10_000);
      const told = lines.filter(({ msg }) => msg === 'spans of traces are dropped');
      expect(told).toHaveLength(1);
      expect(JSON.stringify(told)).not.toContain(HEADER);
    }
    expect(await tookMs(() => traced.stop())).toBeLessThan(5_000);
  },
  60_000,
);
