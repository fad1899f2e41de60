import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { onCallSourceSchema } from '../../contract/on-call-source.schema.js';
import { debugProfileSchema } from '../../contract/policy.schema.js';
import type { OnCallSource } from '../../domain/policy/on-call-source.js';
import { onCallSourceOf } from './on-call-source.mapping.js';

const document = (spec: unknown): unknown => ({
  apiVersion: 'hallpass/v1',
  kind: 'OnCallSource',
  metadata: { name: 'payments' },
  spec,
});

const source = (spec: unknown): OnCallSource =>
  onCallSourceOf(onCallSourceSchema.parse(document(spec)));

function mistakes(spec: unknown): string[] {
  const { error } = onCallSourceSchema.safeParse(document(spec));
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const PAGERDUTY = { url: 'https://api.pagerduty.com/oncalls', shape: 'pagerduty' };
const GENERIC = { url: 'http://127.0.0.1:8080/on', shape: 'generic' };

describe('an OnCallSource document', () => {
  test('means, with nothing but address and shape, what the defaults say', () => {
    expect(source(PAGERDUTY)).toEqual({
      name: 'payments',
      description: '',
      url: 'https://api.pagerduty.com/oncalls',
      shape: { kind: 'pagerduty' },
      match: 'email',
      secret: null,
      timeoutSeconds: 2,
      maxAgeSeconds: 60,
      staleForSeconds: 300,
    });
    expect(source(GENERIC).shape).toEqual({ kind: 'generic', pointer: '', field: null });
  });

  test('can say all of it', () => {
    expect(
      source({
        ...GENERIC,
        description: 'Who carries the pager',
        pointer: '/0/users',
        field: 'login',
        match: 'subject',
        secret: 'rota',
        timeout: '10s',
        maxAge: '1h',
        staleFor: '24h',
      }),
    ).toEqual({
      name: 'payments',
      description: 'Who carries the pager',
      url: 'http://127.0.0.1:8080/on',
      shape: { kind: 'generic', pointer: '/0/users', field: 'login' },
      match: 'subject',
      secret: 'rota',
      timeoutSeconds: 10,
      maxAgeSeconds: 3_600,
      staleForSeconds: 86_400,
    });
  });

  test.each([
    ['plain HTTP to another machine', { url: 'http://rota.example.com' }, 'url'],
    ['a user in the address', { url: 'https://robin:hunter2@rota.example.com' }, 'url'],
    ['a file', { url: 'file:///etc/passwd' }, 'url'],
    ['another shape', { shape: 'opsgenie' }, 'shape'],
    ['a pointer that is none', { pointer: 'users' }, 'pointer'],
    ['an empty field', { field: '' }, 'field'],
    ['another way to match', { match: 'name' }, 'match'],
    ['a secret that is no name', { secret: 'hunter2!' }, 'secret'],
    ['no time to answer', { timeout: '0s' }, 'timeout'],
    ['a number for a time', { timeout: 2 }, 'timeout'],
    ['too long to answer', { timeout: '11s' }, 'timeout'],
    ['an age without measure', { maxAge: '61m', staleFor: '2h' }, 'maxAge'],
    ['stale for more than a day', { staleFor: '25h' }, 'staleFor'],
    ['stale before it is old', { maxAge: '6m' }, 'staleFor'],
    ['headers', { headers: { authorization: 'Bearer hunter2' } }, ''],
  ])('cannot say %s, and is told where', (_what, over, path) => {
    const told = mistakes({ ...GENERIC, ...over });
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(new RegExp(`^spec${path === '' ? '' : `\\.${path}`}: `));
    expect(told[0]).not.toContain('hunter2');
  });

  test('is told everything at once that has no place with PagerDuty', () => {
    expect(
      mistakes({ ...PAGERDUTY, pointer: '', field: 'x', match: 'subject', timeout: 'soon' }),
    ).toEqual([
      'spec.timeout: must be a duration such as 30m, 1h30m or 90s',
      'spec.pointer: has no place with shape: pagerduty',
      'spec.field: has no place with shape: pagerduty',
      'spec.match: must be email: PagerDuty does not know the subjects of tokens',
    ]);
  });

  test('stands beside the other kinds, and its keys can be described', () => {
    const kinds = z.discriminatedUnion('kind', [debugProfileSchema, onCallSourceSchema]);
    expect(kinds.parse(document(PAGERDUTY)).kind).toBe('OnCallSource');
    const described = JSON.stringify(z.toJSONSchema(onCallSourceSchema, { io: 'input' }));
    expect(described).toContain('"default":"2s"');
  });
});
