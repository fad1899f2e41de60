import { canonicalJson } from './canonical.js';
import type { OcsfClass } from './event.kinds.js';
import { kindOf, SEVERITY, severityOf } from './event.kinds.js';
import type { Fields, LoggedEvent } from './logged.event.js';
import { compact, isAddress, textOf, textsOf, tracePlaceOf, within } from './logged.event.js';

export const OCSF_VERSION = '1.8.0';

/** The classes that events are told in, with the numbers that OCSF gives them. */
export const OCSF_CLASSES: Readonly<
  Record<OcsfClass, { readonly category: number; readonly class: number }>
> = {
  authorizeSession: { category: 3, class: 3003 },
  entityManagement: { category: 3, class: 3004 },
  userAccess: { category: 3, class: 3005 },
  apiActivity: { category: 6, class: 6003 },
};

const OTHER = 99;
const USER_TYPE = { unknown: 0, person: 1, system: 3 } as const;
/** `type_id` of an entity, where OCSF has the type. */
const ENTITY_TYPE: Readonly<Record<string, number>> = { policy: 5 };
const SUCCESS = { status_id: 1, status: 'Success' } as const;
const FAILURE = { status_id: 2, status: 'Failure' } as const;
const STATUS: Readonly<Record<string, Fields>> = {
  success: SUCCESS,
  failure: FAILURE,
  denied: FAILURE,
};
/** Of an event that was dropped nobody knows it. */
const UNKNOWN_STATUS = { status_id: 0, status: 'Unknown' } as const;

/** An event as OCSF 1.8 has it; what it has no attribute for is under `unmapped`. */
export function ocsfOf(event: LoggedEvent): Fields {
  const { fields } = event;
  const { ocsf } = kindOf(event);
  const { category, class: classUid } = OCSF_CLASSES[ocsf.class];
  const action = textOf(fields, 'action');
  const outcome = textOf(fields, 'outcome');
  const severity = severityOf(event);
  return {
    activity_id: ocsf.activity,
    ...(ocsf.activity === OTHER ? { activity_name: action } : {}),
    category_uid: category,
    class_uid: classUid,
    type_uid: classUid * 100 + ocsf.activity,
    time: Date.parse(textOf(fields, 'time') ?? ''),
    severity_id: SEVERITY[severity],
    severity: `${severity.charAt(0).toUpperCase()}${severity.slice(1)}`,
    ...(STATUS[outcome ?? ''] ?? UNKNOWN_STATUS),
    status_code: outcome,
    message: action,
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Hallpass', vendor_name: 'Hallpass' },
      uid: textOf(fields, 'id'),
      ...compact({ correlation_uid: tracePlaceOf(fields)?.traceId }),
      event_code: action,
      log_name: 'audit',
      log_version: textOf(fields, 'schema'),
      sequence: event.index,
    },
    actor: { user: userOf(within(fields, 'actor')), app_name: 'Hallpass' },
    src_endpoint: endpointOf(within(fields, 'actor')),
    ...OF_CLASS[ocsf.class](fields),
    unmapped: compact({
      session: fields['session'],
      decision: fields['decision'],
      target: fields['target'],
      policy: fields['policy'],
      break_glass: fields['breakGlass'],
      reason: fields['reason'],
      ticket: fields['ticket'],
      traceparent: fields['traceparent'],
      channel: within(fields, 'actor')['channel'],
      data: fields['data'],
      dropped: fields['dropped'],
      leaf_hash: fields['leafHash'],
    }),
  };
}

/** What each class has besides what all have. */
const OF_CLASS: Readonly<Record<OcsfClass, (fields: Fields) => Fields>> = {
  authorizeSession: (fields) => ({
    user: holderOf(fields),
    privileges: privilegesOf(fields),
    session: compact({ uid: fields['session'] }),
  }),
  entityManagement: (fields) => ({
    entity: entityOf(fields),
    comment: textOf(within(fields, 'data'), 'comment') ?? textOf(fields, 'reason'),
  }),
  userAccess: (fields) => ({
    user: holderOf(fields),
    privileges: privilegesOf(fields),
    resources: resourcesOf(fields),
  }),
  apiActivity: (fields) => ({
    api: {
      operation: textOf(fields, 'action') ?? 'unknown',
      service: { name: 'hallpass' },
      ...compact({ request: compact({ uid: textOf(within(fields, 'actor'), 'request') }) }),
    },
    resources: resourcesOf(fields),
  }),
};

function userOf(actor: Fields): Fields {
  if (actor['kind'] === undefined) return { name: 'unknown', type_id: USER_TYPE.unknown };
  if (actor['kind'] !== 'person') {
    return { name: textOf(actor, 'replica') ?? 'hallpass', type_id: USER_TYPE.system };
  }
  return {
    uid: textOf(actor, 'sub'),
    domain: textOf(actor, 'iss'),
    name: textOf(actor, 'email') ?? textOf(actor, 'sub') ?? 'unknown',
    email_addr: textOf(actor, 'email'),
    type_id: USER_TYPE.person,
    ...compact({ groups: textsOf(actor, 'groups').map((name) => ({ name })) }),
  };
}

/** Whose access it is: the requester; who acted where an event names none. */
function holderOf(fields: Fields): Fields {
  const requester = within(within(fields, 'data'), 'requester');
  const sub = textOf(requester, 'sub');
  if (sub === undefined) return userOf(within(fields, 'actor'));
  return { uid: sub, domain: textOf(requester, 'iss'), name: sub, type_id: USER_TYPE.person };
}

function endpointOf(actor: Fields): Fields {
  const address = textOf(actor, 'address');
  if (address === undefined) return { name: textOf(actor, 'replica') ?? 'hallpass' };
  return isAddress(address) ? { ip: address } : { name: address };
}

function privilegesOf(fields: Fields): readonly string[] {
  return [`debug:${textOf(within(fields, 'target'), 'profile') ?? 'unknown'}`];
}

function entityOf(fields: Fields): Fields {
  const data = within(fields, 'data');
  const [type = 'event'] = (textOf(fields, 'action') ?? '').split('.');
  const uid =
    textOf(data, type) ?? // a recording
    (type === 'policy' ? (textOf(data, 'to') ?? textOf(data, 'content')) : undefined) ??
    textOf(fields, 'session') ??
    textOf(fields, 'id');
  const version = data['version'];
  const typeId = ENTITY_TYPE[type] ?? OTHER;
  return {
    type,
    type_id: typeId,
    uid,
    ...(typeof version === 'number' ? { version: `${version}` } : {}),
  };
}

function resourcesOf(fields: Fields): readonly Fields[] {
  const target = within(fields, 'target');
  const data = within(fields, 'data');
  const pod = textOf(target, 'pod');
  const recording = textOf(data, 'recording');
  return [
    ...(pod === undefined
      ? []
      : [
          {
            type: 'pod',
            name: pod,
            uid: textOf(target, 'podUid'),
            namespace: textOf(target, 'namespace'),
          },
        ]),
    ...(recording === undefined ? [] : [{ type: 'recording', uid: recording }]),
    ...(pod === undefined && recording === undefined
      ? [{ type: 'log', name: textOf(data, 'session') ?? 'audit' }]
      : []),
  ];
}

/** One line. */
export function ocsfLine(event: LoggedEvent): string {
  return canonicalJson(ocsfOf(event));
}
