import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { readClientEnvironment } from './client.environment.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'headers'), 'X-Api-Key:  the-key of a vendor\r\n\nx-team: sre\n');
  writeFileSync(join(folder, 'wrong'), 'x-api-key the-key\n');
  writeFileSync(join(folder, 'reserved'), 'Content-Type: text/plain\n');
  writeFileSync(join(folder, 'ca'), '-----BEGIN CERTIFICATE-----\n');
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(tracing: object | undefined, env: Record<string, string> = {}) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    tracing,
  };
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ HALLPASS_CONFIG: path, ...env });
}

function loaded(...args: Parameters<typeof load>) {
  const config = load(...args);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config.tracing;
}

const OTLP = { endpoint: 'https://otel.example.com:4318' };

test('traces go nowhere by default, whatever OpenTelemetry’s own variables say', () => {
  const none = { otlp: null, sampleRatio: 1, serviceName: 'hallpass' };
  expect(loaded(undefined)).toEqual(none);
  expect(loaded(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' })).toEqual(none);
});

test('a collector is read with the headers of its file, which nothing prints', () => {
  const tracing = loaded(
    { otlp: { ...OTLP, headersFile: 'headers', caFile: 'ca' } },
    { HALLPASS_TRACING__SAMPLE_RATIO: '0.25' },
  );
  expect(tracing.otlp).toMatchObject({ ...OTLP, caPem: '-----BEGIN CERTIFICATE-----' });
  const headers = [...(tracing.otlp?.headers ?? [])].map(([name, it]) => [name, it.reveal()]);
  expect(headers).toEqual([
    ['x-api-key', 'the-key of a vendor'],
    ['x-team', 'sre'],
  ]);
  expect(inspect(tracing, { depth: 9 })).not.toContain('the-key');
  expect(tracing.sampleRatio).toBe(0.25);
});

test.each([
  [{ otlp: {} }, /endpoint: is missing/],
  [{ otlp: { endpoint: 'https://otel.example.com/' } }, /without .* trailing slash/],
  [{ otlp: { endpoint: 'grpc://otel.example.com' } }, /must be an http/],
  [{ otlp: { endpoint: 'http://otel:4318', headersFile: 'headers' } }, /others would read it/],
  [{ otlp: { ...OTLP, headersFile: 'nowhere' } }, /headersFile: /],
  [{ otlp: { ...OTLP, headersFile: 'wrong' } }, /headersFile: must hold 1 to 20 lines/],
  [{ otlp: { ...OTLP, headersFile: 'reserved' } }, /headersFile: must hold 1 to 20 lines/],
  [{ otlp: { ...OTLP, caFile: 'headers' } }, /caFile: holds no certificate in PEM/],
  [{ sampleRatio: 1.5 }, /sampleRatio: /],
  [{ sampleRatio: -0.1 }, /sampleRatio: /],
  [{ serviceName: '' }, /serviceName: /],
  [{ linkTemplate: 'https://traces.example/' }, /linkTemplate: must be .*\{traceId\} after/],
  [{ linkTemplate: 'https://{traceId}.example/' }, /linkTemplate: /],
  [{ linkTemplate: 'https://{traceId}@traces.example/' }, /linkTemplate: /],
  [{ linkTemplate: 'javascript:alert("{traceId}")' }, /linkTemplate: /],
  [{ linkTemplate: '/trace/{traceId}' }, /linkTemplate: /],
])('is refused with a sentence: %j', (tracing, sentence) => {
  const config = load(tracing);
  if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
  expect(configProblemText(config)).toMatch(sentence);
  expect(configProblemText(config)).not.toContain('the-key');
});

test.each([
  'https://jaeger.example.com/trace/{traceId}',
  'https://grafana.example.com/explore?left={"queries":[{"query":"{traceId}"}]}',
  'http://localhost:16686/#{traceId}',
])('people look at traces where the template says: %s', (linkTemplate) => {
  expect(loaded({ linkTemplate })).toMatchObject({ otlp: null, linkTemplate });
});

test('a plain collector in the cluster is one, without headers', () => {
  expect(loaded({ otlp: { endpoint: 'http://otel:4318' } }).otlp?.endpoint).toBe(
    'http://otel:4318',
  );
});

test('a client is told its trace by TRACEPARENT, as other tools are', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(readClientEnvironment({ TRACEPARENT: traceparent }).traceparent).toBe(traceparent);
  expect(readClientEnvironment({ TRACEPARENT: 'none' }).traceparent).toBeUndefined();
  expect(readClientEnvironment({}).traceparent).toBeUndefined();
});
