import { describe, expect, test } from 'vitest';
import type { Actor } from '../person.js';
import { TRANSITIONS } from '../session/session.machine.js';
import { ecsOf } from './ecs.format.js';
import { auditEntry } from './entry.js';
import { EVENT_KINDS, severityOf } from './event.kinds.js';
import { CSV_HEADER } from './csv.format.js';
import { LOG_FORMATS, fileOf } from './log.formats.js';
import type { Fields, LoggedEvent } from './logged.event.js';
import { loggedEvent, within } from './logged.event.js';
import { leafHashOf } from './merkle.tree.js';
import { ocsfOf } from './ocsf.format.js';

const AT = new Date('2026-11-28T10:00:00.123Z');
const SYSTEM: Actor = { kind: 'system', replica: 'broker-1' };

/** Required attributes and constraints, as the schema of OCSF 1.8.0 has them: of all classes, and of each. */
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
/** Of objects, wherever they stand: all of the first list, one at least of the second. */
const OF_OBJECT: Record<string, { required: string[]; oneOf: string[] }> = {
  metadata: { required: ['product', 'version'], oneOf: [] },
  product: { required: [], oneOf: ['name', 'uid'] },
  actor: { required: [], oneOf: ['process', 'user', 'invoked_by', 'session', 'app_name'] },
  user: { required: [], oneOf: ['account', 'name', 'uid'] },
  entity: { required: [], oneOf: ['name', 'uid', 'device', 'group', 'org', 'policy', 'user'] },
  api: { required: ['operation'], oneOf: [] },
  service: { required: [], oneOf: ['name', 'uid'] },
  request: { required: ['uid'], oneOf: [] },
  src_endpoint: { required: [], oneOf: ['ip', 'uid', 'name', 'hostname'] },
  resources: { required: [], oneOf: ['name', 'uid'] },
  groups: { required: [], oneOf: ['name', 'uid'] },
};
/** `event.type` by `event.category`, as ECS 9.4 expects them. */
const ECS_TYPES: Record<string, string[]> = {
  iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
  session: ['start', 'end', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  api: ['access', 'admin', 'allowed', 'change', 'creation', 'deletion', 'denied', 'end', 'info'],
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

describe('the forms', () => {
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
    expect(CSV_HEADER.split(',').length).toBe(28);
  });

  test('refuse a body that is no JSON object', () => {
    expect(() => loggedEvent(3, Buffer.from('[]'))).toThrow('place 3');
    expect(() => loggedEvent(3, Buffer.from('{'))).toThrow(SyntaxError);
  });
});
