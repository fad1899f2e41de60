import { describe, expect, test } from 'vitest';
import type { Actor } from '../person.js';
import { TRANSITIONS } from '../session/session.machine.js';
import { ecsOf } from './ecs.format.js';
import { auditEntry } from './entry.js';
import { EVENT_KINDS, severityOf } from './event.kinds.js';
import { CSV_HEADER } from './csv.format.js';
import { LOG_FORMATS, fileOf } from './log.formats.js';
import type { Fields, LoggedEvent } from './logged.event.js';
import { droppedEvent, loggedEvent, within } from './logged.event.js';
import { leafHashOf } from './merkle.tree.js';
import { ocsfOf } from './ocsf.format.js';

const AT = new Date('2026-11-28T10:00:00.123Z');
const SYSTEM: Actor = { kind: 'system', replica: 'broker-1' };

/**
 * Required attributes and constraints of all classes, and of each. Compared with ocsf/ocsf-schema at its tag 1.8.0
 * (6fa6499a0f8c): events/base_event.json, events/iam/{iam,authorize_session,entity_management,user_access}.json,
 * events/application/{application,api_activity}.json, with what they include, but for profiles that are not applied.
 */
const ALWAYS = [
  'activity_id',
  'category_uid',
  'class_uid',
  'metadata',
  'severity_id',
  'time',
  'type_uid',
];
const OF_CLASS: Record<
  number,
  { required: string[]; activities: number[]; justOne?: string[]; category: number }
> = {
  3003: { required: ['user'], activities: [1, 2], justOne: ['privileges', 'group'], category: 3 },
  3004: {
    required: ['entity'],
    activities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99],
    category: 3,
  },
  3005: { required: ['privileges', 'user'], activities: [1, 2, 99], category: 3 },
  6003: { required: ['actor', 'api', 'src_endpoint'], activities: [1, 2, 3, 4, 99], category: 6 },
};
/**
 * Of objects, wherever they stand: all of the first list, one at least of the second. From objects/*.json of the same tag:
 * an entity is a managed_entity, an endpoint a network_endpoint, resources are resource_details.
 */
const OF_OBJECT: Record<string, { required: string[]; oneOf: string[] }> = {
  metadata: { required: ['product', 'version'], oneOf: [] },
  product: { required: [], oneOf: ['name', 'uid'] },
  actor: {
    required: [],
    oneOf: ['process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid'],
  },
  user: { required: [], oneOf: ['account', 'name', 'uid'] },
  entity: { required: [], oneOf: ['name', 'uid', 'device', 'group', 'org', 'policy', 'user'] },
  api: { required: ['operation'], oneOf: [] },
  service: { required: [], oneOf: ['name', 'uid'] },
  request: { required: ['uid'], oneOf: [] },
  src_endpoint: {
    required: [],
    oneOf: [
      'ip',
      'uid',
      'name',
      'hostname',
      'svc_name',
      'instance_uid',
      'interface_uid',
      'interface_name',
      'domain',
    ],
  },
  resources: { required: [], oneOf: ['name', 'uid'] },
  groups: { required: [], oneOf: ['name', 'uid'] },
};
/** Attributes of those objects: nothing else is written in them. From the same files, with objects/_*.json that they extend. */
const ATTRIBUTES: Record<string, string[]> = {
  metadata: [
    'version',
    'product',
    'uid',
    'correlation_uid',
    'event_code',
    'log_name',
    'log_version',
    'sequence',
  ],
  product: ['name', 'vendor_name'],
  actor: ['user', 'app_name'],
  user: ['uid', 'domain', 'name', 'email_addr', 'type_id', 'groups'],
  entity: ['type', 'type_id', 'uid', 'version'],
  api: ['operation', 'service', 'request'],
  request: ['uid'],
  service: ['name'],
  src_endpoint: ['ip', 'name'],
  resources: ['type', 'name', 'uid', 'namespace'],
  groups: ['name'],
  session: ['uid'],
};
/**
 * `event.type` by `event.category`: `expected_event_types` of elastic/ecs at its tag v9.4.0, generated/ecs/ecs_flat.yml,
 * where every field outside of `hallpass` was looked up too.
 */
const ECS_TYPES: Record<string, string[]> = {
  iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
  session: ['start', 'end', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  api: [
    'access',
    'admin',
    'allowed',
    'change',
    'creation',
    'deletion',
    'denied',
    'end',
    'info',
    'start',
    'user',
  ],
};

const ACTIONS = Object.keys(EVENT_KINDS);

function eventOf(over: {
  action: string;
  outcome?: 'success' | 'failure' | 'denied';
  data?: Record<string, unknown>;
}): LoggedEvent {
  const { action, ...facts } = over;
  const entry = auditEntry({
    at: AT,
    outcome: 'success',
    actor: SYSTEM,
    ...facts,
    action: 'session.note',
  });
  return loggedEvent(7, Buffer.from(entry.body.toString().replace('session.note', action)));
}

/** As a person wrote it, of a session: what bodies hold, whatever the session. */
function whole(action: string): LoggedEvent {
  const fields: Fields = {
    id: '6f1c1f7e-0000-4000-8000-000000000001',
    schema: '1.0',
    time: AT.toISOString(),
    action,
    outcome: 'success',
    actor: {
      kind: 'person',
      iss: 'https://id.example',
      sub: 'kim',
      email: 'kim@example.com',
      groups: ['oncall'],
      channel: 'rest',
      address: '192.0.2.7',
      request: 'r-1',
    },
    session: 's-1',
    decision: 'd-1',
    target: { cluster: 'prod', namespace: 'shop', pod: 'web-1', podUid: 'u-1', profile: 'shell' },
    policy: { version: 'abc', rule: 'shop-oncall' },
    reason: 'it is slow',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    data: { requester: { iss: 'https://id.example', sub: 'robin' }, version: 3, recording: 'rec' },
  };
  return loggedEvent(7, Buffer.from(JSON.stringify(fields)));
}

/** What OCSF misses in an event. */
function missing(event: Fields): string[] {
  const told: string[] = ALWAYS.filter((name) => event[name] === undefined);
  const of = OF_CLASS[Number(event['class_uid'])];
  if (!of) return ['a class'];
  told.push(...of.required.filter((name) => event[name] === undefined));
  if (!of.activities.includes(Number(event['activity_id']))) told.push('a known activity');
  if (event['activity_id'] === 99 && event['activity_name'] === undefined) told.push('a name');
  if (event['category_uid'] !== of.category) told.push('the category of the class');
  if (of.justOne?.filter((name) => event[name] !== undefined).length === 0) told.push('just one');
  if (event['type_uid'] !== Number(event['class_uid']) * 100 + Number(event['activity_id']))
    told.push('the type of class and activity');
  if (!Number.isSafeInteger(event['time'])) told.push('a time in milliseconds');
  return [...told, ...missingIn(event)];
}

function missingIn(value: unknown, name = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => missingIn(item, name));
  if (typeof value !== 'object' || value === null || name === 'unmapped') return [];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const names = members.map(([key]) => key);
  const { required = [], oneOf = [] } = OF_OBJECT[name] ?? {};
  return [
    ...names.filter((key) => ATTRIBUTES[name]?.includes(key) === false).map((key) => `no ${key}`),
    ...required.filter((key) => !names.includes(key)).map((key) => `${name}.${key}`),
    ...(oneOf.length > 0 && !oneOf.some((key) => names.includes(key)) ? [`one of ${name}`] : []),
    ...members.flatMap(([key, member]) => missingIn(member, key)),
  ];
}

describe('every action that is written', () => {
  test('of a session is a step of its machine, or what happens beside it', () => {
    const steps = new Set(TRANSITIONS.map(({ event }) => `session.${event}`));
    const beside = ['session.review', 'session.watched', 'session.unwatched'];
    const made = ['session.port-forward', 'session.kube-token', 'session.evidence'];
    for (const action of ACTIONS.filter((it) => it.startsWith('session.')))
      expect([...steps, ...beside, ...made]).toContain(action);
    for (const step of steps) expect(ACTIONS).toContain(step);
  });

  test.each([...ACTIONS, 'future.thing'])(
    '%s has all that OCSF requires, by a person or the system',
    (action) => {
      expect(missing(ocsfOf(whole(action)))).toEqual([]);
      expect(missing(ocsfOf(eventOf({ action })))).toEqual([]);
      expect(missing(ocsfOf(eventOf({ action, outcome: 'denied' })))).toEqual([]);
    },
  );

  test.each([...ACTIONS, 'future.thing'])(
    '%s is of types that ECS expects of its categories',
    (action) => {
      for (const event of [whole(action), eventOf({ action, outcome: 'denied' })]) {
        const { category, type, kind, outcome } = within(ecsOf(event), 'event');
        const categories = Array.isArray(category) ? category.map(String) : [];
        const expected = categories.flatMap((name) => ECS_TYPES[name] ?? []);
        expect(categories.length).toBeGreaterThan(0);
        expect(Array.isArray(type) && type.filter((it) => !expected.includes(String(it)))).toEqual(
          [],
        );
        expect(kind).toBe('event');
        expect(outcome).toBe(event.fields['outcome'] === 'success' ? 'success' : 'failure');
      }
    },
  );
});

describe('OCSF', () => {
  test('names who acted, and of access whose it is', () => {
    const event = ocsfOf(whole('session.approve'));
    expect(event).toMatchObject({
      class_uid: 3005,
      type_uid: 300501,
      time: AT.getTime(),
      actor: { user: { uid: 'kim', domain: 'https://id.example', groups: [{ name: 'oncall' }] } },
      user: { uid: 'robin' },
      privileges: ['debug:shell'],
      src_endpoint: { ip: '192.0.2.7' },
      metadata: { version: '1.8.0', sequence: 7, event_code: 'session.approve' },
      unmapped: { session: 's-1', policy: { rule: 'shop-oncall' } },
    });
  });

  test('takes the gravest of action, outcome and what an event says of itself', () => {
    expect(severityOf(eventOf({ action: 'session.ask' }))).toBe('informational');
    expect(severityOf(eventOf({ action: 'session.refuse', outcome: 'denied' }))).toBe('low');
    expect(severityOf(eventOf({ action: 'session.break-glass', outcome: 'denied' }))).toBe('high');
    expect(severityOf(eventOf({ action: 'x.y', data: { severity: 'critical' } }))).toBe('critical');
    expect(severityOf(eventOf({ action: 'x.y', data: { severity: 'toString' } }))).toBe(
      'informational',
    );
  });
});

describe('an event whose body was dropped', () => {
  const dropped = (action: string) =>
    droppedEvent({
      index: 7,
      eventId: '6f1c1f7e-0000-4000-8000-000000000001',
      at: AT,
      action,
      leafHash: Buffer.alloc(32, 0xab),
    });
  const known = { id: '6f1c1f7e-0000-4000-8000-000000000001', time: AT.toISOString() };
  const leafHash = 'ab'.repeat(32);

  test('is told as JSON lines with what is left of it, and said to be dropped', () => {
    const line = LOG_FORMATS.jsonl.line(dropped('session.approve'));
    expect(JSON.parse(line)).toEqual({
      ...known,
      action: 'session.approve',
      dropped: true,
      leafHash,
    });
  });

  test.each([...ACTIONS, 'future.thing'])(
    'is told in OCSF with all that is required, and nothing made up: %s',
    (action) => {
      const event = ocsfOf(dropped(action));
      expect(missing(event)).toEqual([]);
      expect(event).toMatchObject({
        status_id: 0,
        status: 'Unknown',
        actor: { user: { name: 'unknown', type_id: 0 } },
        message: action,
        unmapped: { dropped: true, leaf_hash: leafHash },
      });
    },
  );

  test('is told in ECS with an outcome that nobody knows', () => {
    expect(ecsOf(dropped('session.approve'))).toMatchObject({
      '@timestamp': known.time,
      event: { id: known.id, action: 'session.approve', outcome: 'unknown', sequence: 7 },
      hallpass: { dropped: true, leaf_hash: leafHash },
    });
    expect(ecsOf(dropped('session.approve'))).not.toHaveProperty('user');
  });

  test('is told in CSV with empty cells, and in one that it was dropped', () => {
    const cells = LOG_FORMATS.csv.line(dropped('session.approve')).split(',');
    expect(cells).toHaveLength(30);
    expect(cells.slice(0, 5)).toEqual(['7', known.time, known.id, 'session.approve', '']);
    expect(cells.slice(-2)).toEqual(['true', '']);
  });
});

describe('the forms', () => {
  test('name the trace of an event where their readers look for it, and none where it has none', () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
    const traced = whole('session.ask');
    expect(ecsOf(traced)).toMatchObject({
      trace: { id: trace },
      span: { id: '00f067aa0ba902b7' },
      hallpass: { traceparent },
    });
    expect(ocsfOf(traced)).toMatchObject({
      metadata: { correlation_uid: trace },
      unmapped: { traceparent },
    });
    expect(LOG_FORMATS.csv.line(traced)).toMatch(new RegExp(`,${traceparent}$`));
    const untraced = eventOf({ action: 'session.ask' });
    expect(JSON.stringify([ecsOf(untraced), ocsfOf(untraced)])).not.toMatch(/trace|correlation/);
  });

  test('as JSON lines an event is the bytes that were hashed', () => {
    const entry = auditEntry({
      at: AT,
      action: 'audit.read',
      outcome: 'success',
      actor: SYSTEM,
      data: { text: 'ü\n"\u2028' },
    });
    const line = LOG_FORMATS.jsonl.line(loggedEvent(0, entry.body));
    expect(leafHashOf(Buffer.from(line))).toEqual(entry.leafHash);
  });

  test.each(Object.entries(LOG_FORMATS))('%s has one line for each event', (name, format) => {
    const events = ACTIONS.map(whole);
    const lines = fileOf(format, events).split(format.end);
    expect(lines.pop()).toBe('');
    expect(lines.length).toBe(events.length + (name === 'csv' ? 1 : 0));
  });

  test('in CSV no text that people typed is a formula, or ends its cell', () => {
    const text = '=HYPERLINK("https://evil.example","a, b")\nnext';
    const fields = { ...whole('session.ask').fields, reason: text };
    const line = LOG_FORMATS.csv.line(loggedEvent(7, Buffer.from(JSON.stringify(fields))));
    expect(line).toContain(`,"'=HYPERLINK(""https://evil.example"",""a, b"")\nnext",`);
    expect(CSV_HEADER.split(',').length).toBe(30);
  });

  test('refuse a body that is no JSON object', () => {
    expect(() => loggedEvent(3, Buffer.from('[]'))).toThrow('place 3');
    expect(() => loggedEvent(3, Buffer.from('{'))).toThrow(SyntaxError);
  });
});
