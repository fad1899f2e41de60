import type { Problem } from '../../../domain/problem.js';
import { PROBLEMS } from '../../../domain/problem.js';

/** A refusal as Kubernetes' clients read it (meta/v1 Status). */
export interface KubeStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly code?: number;
}

/** apimachinery's reasons (meta/v1 StatusReason) by HTTP status. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** What kubectl would take for a sign to try the same again until it gives up, when trying again changes nothing. */
const AS: Readonly<Record<number, number>> = { 412: 409, 428: 400, 429: 403, 502: 503 };

/** The Status of a refusal. */
export function statusOf(problem: Problem): KubeStatus & { readonly code: number } {
  const { status } = PROBLEMS[problem.problem];
  const code = AS[status] ?? status;
  const causes = problem.errors?.map(({ path, message }) => ({
    reason: 'FieldValueInvalid',
    field: path,
    message,
  }));
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${problem.detail}${causesText(problem)}`,
    reason: REASONS[code] ?? 'InternalError',
    ...(causes ? { details: { causes } } : {}),
    code,
  };
}

/** kubectl shows the message alone. */
function causesText({ errors }: Problem): string {
  if (!errors || errors.length === 0) return '';
  return ` ${errors.map(({ path, message }) => `${path.replace(/^\//, '')} ${message}`).join('; ')}.`;
}

export const SUCCESS: KubeStatus = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
};

/** What is said on channel 3 of a process that exited (measured: test/kubernetes-1.36/stream). */
export function exitStatus(code: number): KubeStatus {
  if (code === 0) return SUCCESS;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** The same of a stream that ended otherwise. */
export function brokenStatus(message: string): KubeStatus {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    code: 500,
  };
}

/** What those hear whose replica stops. */
export const STOPPED = brokenStatus(
  'This Hallpass is being stopped; the session goes on. Run the same again.',
);
