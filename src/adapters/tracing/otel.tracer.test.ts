import { afterEach, expect, test } from 'vitest';
import type { ReceivedSpan } from '../../../test/support/otlp.receiver.js';
import { OtlpReceiver } from '../../../test/support/otlp.receiver.js';
import { tookMs } from '../../../test/support/own.time.js';
import { newSession } from '../../../test/support/sessions.js';
import { ownWork, routineWork } from '../../app/ports/tracer.js';
import { parseTraceparent, placeOf, traceFields, traceparentOf } from '../../domain/traceparent.js';
import { makeLogger } from '../log/pino.journal.js';
import { OtelTracer } from './otel.tracer.js';
import { OtlpExporter } from './otlp.exporter.js';
import { PassingTracer } from './passing.tracer.js';
import { SpanQueue } from './span.queue.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SENT = traceparentOf({ traceId: TRACE, spanId: '00f067aa0ba902b7', isSampled: true });
const NOT_KEPT = traceparentOf({ traceId: TRACE, spanId: '00f067aa0ba902b7', isSampled: false });

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

/** A tracer whose spans go to a collector, and the drops that it told of. */
async function traced(
  over: {
    readonly status?: number | 'silent';
    readonly sampleRatio?: number;
    readonly spansMax?: number;
  } = {},
) {
  const { status = 200, sampleRatio = 1, spansMax } = over;
  const collector = opened.use(await OtlpReceiver.start(status));
  const told: [number, string][] = [];
  const settings = { endpoint: collector.endpoint, headers: {}, caPem: null };
  const queue = new SpanQueue({
    exporter: new OtlpExporter(settings, {
      answerMs: status === 'silent' ? 500 : 5_000,
      againMs: 10,
    }),
    onDropped: (spans, why) => told.push([spans, why]),
    everyMs: 10,
    ...(spansMax === undefined ? {} : { spansMax }),
  });
  const service = { name: 'hallpass', version: '1.2.3', instance: 'broker-1' };
  const tracer = new OtelTracer({ service, sampleRatio, queue });
  opened.defer(() => tracer.close());
  const received = async (count: number): Promise<ReceivedSpan[]> => {
    await expect.poll(() => collector.spans.length).toBeGreaterThanOrEqual(count);
    return collector.spans;
  };
  return { tracer, queue, collector, told, received };
}

test('work is below the span in which it is done, across all that is awaited', async () => {
  const { tracer, received } = await traced();
  await tracer.run('http.request', { title: 'GET /x', under: SENT }, async (outer) => {
    await new Promise((resolve) => setImmediate(resolve));
    expect(tracer.traceparent).toBe(outer.traceparent);
    await tracer.run('session.decide', { facts: { session: 's', rule: 'r' } }, async () => {
      await Promise.resolve();
    });
  });
  expect(tracer.current()).toBeUndefined();
  const [inner, outer] = await received(2);
  expect(outer).toMatchObject({ name: 'GET /x', kind: 2, traceId: TRACE, status: 0 });
  expect(outer?.parentSpanId).toBe(placeOf(SENT).spanId);
  expect(inner).toMatchObject({
    name: 'session.decide',
    parentSpanId: outer?.spanId,
    attributes: { 'hallpass.session.id': 's', 'hallpass.policy.rule': 'r' },
    resource: {
      'service.name': 'hallpass',
      'service.version': '1.2.3',
      'service.instance.id': 'broker-1',
    },
  });
});

test('what is thrown is a fault by its name, and its words stay here; what is refused is none', async () => {
  const { tracer, received, collector } = await traced();
  const failing = tracer.run('session.decide', {}, () =>
    Promise.reject(new TypeError('the-secret-in-an-error')),
  );
  await expect(failing).rejects.toThrow(TypeError);
  await tracer.run('session.decide', {}, () =>
    Promise.resolve({ problem: 'forbidden', detail: 'No.' } as const),
  );
  const spans = await received(2);
  expect(spans.map(({ status, attributes }) => [status, attributes['error.type']])).toEqual([
    [2, 'TypeError'],
    [0, 'forbidden'],
  ]);
  expect(Buffer.concat(collector.bytes).toString('latin1')).not.toContain('the-secret');
});

test('a span points to each other trace once, and tells nothing any more when it has ended', async () => {
  const { tracer, received } = await traced();
  const span = tracer.begin('session.step', { about: SENT });
  span.note({ event: 'start' }, SENT);
  span.note({}, span.traceparent ?? null);
  span.end();
  span.note({ event: 'late' }, NOT_KEPT);
  span.end({ fault: 'late' });
  const [got] = await received(1);
  expect(got).toMatchObject({
    links: [TRACE],
    attributes: { 'hallpass.session.event': 'start' },
    status: 0,
  });
});

test('of traces that begin here the part is kept that was asked for, and of others those that their beginner keeps', async () => {
  const { tracer, queue, received } = await traced({ sampleRatio: 0 });
  const own = tracer.begin('http.request', { under: null });
  expect(own.traceparent && placeOf(own.traceparent).isSampled).toBe(false);
  const below = tracer.within(own, () => tracer.begin('session.decide'));
  expect(below.traceparent?.slice(0, 35)).toBe(own.traceparent?.slice(0, 35));
  const others = tracer.begin('http.request', { under: NOT_KEPT });
  expect(others.traceparent).toMatch(/-00$/);
  for (const span of [below, own, others]) span.end();
  tracer.begin('session.stream', { under: SENT }).end();
  expect((await received(1)).map(({ name }) => name)).toEqual(['session.stream']);
  // They are counted as sent when the collector has answered.
  await expect.poll(() => queue.counts().sent).toBe(1);
  expect(queue.counts().dropped).toEqual({ 'queue-full': 0, 'not-taken': 0 });
});

test('a collector that does not answer holds up nobody: what has no room is dropped, counted and told once', async () => {
  const { tracer, queue, told } = await traced({ status: 'silent', spansMax: 10 });
  for (let i = 0; i < 100; i++) tracer.begin('session.step').end();
  expect(queue.counts().dropped['queue-full']).toBe(90);
  expect(told).toEqual([[1, 'queue-full']]);
  expect(await tookMs(() => tracer.close())).toBeLessThan(4_000);
});

test('spans that a collector is too busy for are sent again, and those that it refuses are not', async () => {
  const busy = await traced({ status: 503 });
  busy.tracer.begin('session.step').end();
  await expect.poll(() => busy.queue.counts().dropped['not-taken']).toBe(1);
  expect(busy.collector.requests).toHaveLength(3);
  const refusing = await traced({ status: 400 });
  refusing.tracer.begin('session.step').end();
  await expect.poll(() => refusing.queue.counts().dropped['not-taken']).toBe(1);
  expect(refusing.collector.requests).toHaveLength(1);
  expect(refusing.told).toEqual([[1, 'not-taken']]);
});

test('what is left when a broker stops is sent', async () => {
  const { tracer, collector } = await traced();
  tracer.begin('session.step').end();
  await tracer.close();
  expect(collector.spans).toHaveLength(1);
});

test('work of the broker on a session is in its trace while that is young, and later points to it', () => {
  const session = newSession({ traceparent: SENT });
  const after = (seconds: number) => new Date(session.updatedAt.getTime() + seconds * 1000);
  expect(ownWork(session, after(59))).toEqual({ under: SENT });
  expect(ownWork(session, after(60))).toEqual({ under: null, about: SENT });
  expect(ownWork(newSession(), after(0))).toEqual({ under: null, about: null });
});

test('what is done every few seconds for a session is told nobody, and logged as of its trace', async () => {
  const { tracer, queue, received } = await traced();
  const session = newSession({ traceparent: SENT });
  await tracer.run('session.check', routineWork(session), async (span) => {
    tracer.begin('cluster.call').end();
    expect(span.traceparent && placeOf(span.traceparent).traceId).toBe(TRACE);
    return Promise.resolve();
  });
  tracer.begin('session.step', ownWork(session, session.updatedAt)).end();
  expect((await received(1)).map(({ name }) => name)).toEqual(['session.step']);
  await expect.poll(() => queue.counts()).toMatchObject({ sent: 1 });
});

test('what is done every few seconds for a session that is of no trace begins none, nor does what is below it', async () => {
  const { tracer, queue, received } = await traced();
  const session = newSession();
  for (const it of [tracer, new PassingTracer()]) {
    await it.run('session.check', routineWork(session), async (span) => {
      expect(span.traceparent).toBeUndefined();
      await it.run('cluster.call', {}, async (call) => {
        expect([call.traceparent, it.traceparent]).toEqual([undefined, undefined]);
        return Promise.resolve();
      });
      it.begin('session.step', ownWork(session, session.updatedAt)).end();
    });
  }
  expect((await received(1)).map(({ name }) => name)).toEqual(['session.step']);
  expect(queue.counts()).toMatchObject({ sent: 1 });
});

test('each line that is logged in a trace says so, and no other', async () => {
  const { tracer } = await traced();
  for (const it of [tracer, new PassingTracer()]) {
    const lines: Record<string, unknown>[] = [];
    const log = makeLogger({ level: 'info', format: 'json' }, () => traceFields(it.traceparent), {
      write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    });
    log.info('before');
    const span = it.begin('http.request', { under: SENT });
    it.within(span, () => log.child({ a: 1 }).warn({ b: 2 }, 'inside'));
    log.info('after');
    const { traceparent = SENT } = span;
    expect(lines.map((line) => line['trace_id'])).toEqual([undefined, TRACE, undefined]);
    expect(lines[1]).toMatchObject({
      span_id: placeOf(traceparent).spanId,
      trace_flags: '01',
      a: 1,
      b: 2,
    });
  }
});

test('without a collector no trace begins, and one that was sent is handed on as it came', () => {
  const tracer = new PassingTracer();
  expect(tracer.begin('http.request', { under: null }).traceparent).toBeUndefined();
  const span = tracer.begin('http.request', { under: parseTraceparent(SENT) ?? null });
  tracer.within(span, () => {
    expect(tracer.begin('session.decide').traceparent).toBe(SENT);
    expect(tracer.begin('session.check', { under: null }).traceparent).toBeUndefined();
  });
});
