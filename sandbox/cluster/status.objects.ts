/**
 * The `Status` objects an API server answers with. Wordings are those of Kubernetes 1.36.2
 * (measured: test/kubernetes-1.36/patch, get, stream).
 */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** An expected "no", as a value. `text` answers are those that come from the kubelet, not from the API server. */
export interface Refusal {
  readonly refused: true;
  readonly status: number;
  readonly body: Status | string;
  readonly headers: Record<string, string>;
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

interface FailureParts {
  code: number;
  message: string;
  reason?: string;
  details?: StatusDetails;
}

export function failureStatus({ code, message, reason, details }: FailureParts): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

export function refuse(parts: FailureParts): Refusal {
  const retry = parts.details?.retryAfterSeconds;
  return {
    refused: true,
    status: parts.code,
    body: failureStatus(parts),
    headers: retry === undefined ? {} : { 'retry-after': String(retry) },
  };
}

/** What the kubelet says, passed on by the API server as plain text. */
export function refuseAsText(status: number, body: string): Refusal {
  return { refused: true, status, body, headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

/** A resource as messages name it: `deployments.apps`, `pods`. */
export interface NamedResource {
  group: string;
  resource: string;
  name?: string | undefined;
}

function details({ group, resource, name }: NamedResource): StatusDetails {
  return { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource };
}

function qualified({ group, resource }: NamedResource): string {
  return group ? `${resource}.${group}` : resource;
}

export function notFound(what: NamedResource & { name: string }): Refusal {
  return refuse({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(what)} "${what.name}" not found`,
    details: details(what),
  });
}

/** A path no API is registered at: what the real server's last handler says. */
export function pathNotFound(): Refusal {
  return refuse({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

export function alreadyExists(what: NamedResource & { name: string }): Refusal {
  return refuse({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(what)} "${what.name}" already exists`,
    details: details(what),
  });
}

export function forbidden(what: NamedResource, because: string): Refusal {
  const subject = what.name ? `${qualified(what)} "${what.name}"` : qualified(what);
  return refuse({
    code: 403,
    reason: 'Forbidden',
    message: `${subject} is forbidden: ${because}`,
    details: details(what),
  });
}

export function conflict(what: NamedResource & { name: string }, because: string): Refusal {
  return refuse({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(what)} "${what.name}": ${because}`,
    details: details(what),
  });
}

export const objectModified =
  'the object has been modified; please apply your changes to the latest version and try again';

export function badRequest(message: string): Refusal {
  return refuse({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): Refusal {
  return refuse({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function methodNotAllowed(): Refusal {
  return refuse({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

/** Something a real server does and this one does not claim to: said in so many words, never half done. */
export function notSupported(what: string): Refusal {
  return refuse({
    code: 501,
    reason: 'NotImplemented',
    message: `the stand-in cluster does not support ${what}`,
    details: {},
  });
}

/** One finding of validation, as `field.Error` prints it. */
export interface FieldError {
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueNotSupported';
  field: string;
  message: string;
}

export const fieldError = {
  invalid: (field: string, value: string | number, why: string): FieldError => ({
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${typeof value === 'number' ? value : JSON.stringify(value)}: ${why}`,
  }),
  required: (field: string, why = ''): FieldError => ({
    reason: 'FieldValueRequired',
    field,
    message: why ? `Required value: ${why}` : 'Required value',
  }),
  forbidden: (field: string, why: string): FieldError => ({
    reason: 'FieldValueForbidden',
    field,
    message: `Forbidden: ${why}`,
  }),
  duplicate: (field: string, value: string): FieldError => ({
    reason: 'FieldValueDuplicate',
    field,
    message: `Duplicate value: ${JSON.stringify(value)}`,
  }),
  notFound: (field: string, value: string): FieldError => ({
    reason: 'FieldValueNotFound',
    field,
    message: `Not found: ${JSON.stringify(value)}`,
  }),
  unsupported: (field: string, value: string, supported: readonly string[]): FieldError => ({
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported
      .map((s) => JSON.stringify(s))
      .join(', ')}`,
  }),
};

/** 422: `Pod "web" is invalid: …`, with one cause for each finding. */
export function invalid(
  what: { kind: string; group?: string; name: string },
  errors: readonly FieldError[],
): Refusal {
  const texts = errors.map((e) => `${e.field}: ${e.message}`);
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${[...new Set(texts)].join(', ')}]`;
  // A finding made twice is listed twice in causes and once in the message (measured: patch/wrong-uid.json).
  const message = new Set(texts).size === 1 ? (texts[0] ?? '') : list;
  const kind = what.group ? `${what.kind}.${what.group}` : what.kind;
  return refuse({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${what.name}" is invalid: ${message}`,
    details: {
      ...(what.name ? { name: what.name } : {}),
      ...(what.group ? { group: what.group } : {}),
      ...(what.kind ? { kind: what.kind } : {}),
      causes: errors.map(({ reason, message: text, field }) => ({ reason, message: text, field })),
    },
  });
}

export function successStatus(details: StatusDetails, code = 200): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details, code };
}
