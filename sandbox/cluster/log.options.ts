import { isTrue } from './request.info.js';
import {
  badRequest,
  type FieldError,
  fieldError,
  invalid,
  isRefusal,
  notSupported,
  type Refusal,
} from './status.objects.js';

/** core/v1 PodLogOptions, ready for use: what was not asked for is unbounded. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines: number;
  /** Older lines are left out. */
  since: Date;
  limitBytes: number;
}

/** Reads and checks them (pkg/apis/core/validation, ValidatePodLogOptions). */
export function readLogOptions(
  query: URLSearchParams,
  { pod, now }: { pod: string; now: Date },
): LogOptions | Refusal {
  const stream = query.get('stream');
  if (stream !== null && stream !== 'All') return notSupported('log option stream');
  const tailLines = wholeNumber(query, 'tailLines');
  if (isRefusal(tailLines)) return tailLines;
  const limitBytes = wholeNumber(query, 'limitBytes');
  if (isRefusal(limitBytes)) return limitBytes;
  const sinceSeconds = wholeNumber(query, 'sinceSeconds');
  if (isRefusal(sinceSeconds)) return sinceSeconds;
  const sinceTime = instant(query.get('sinceTime'));
  if (isRefusal(sinceTime)) return sinceTime;
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(fieldError.invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    errors.push(fieldError.invalid('limitBytes', limitBytes, 'must be greater than 0'));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    const why = 'at most one of `sinceTime` or `sinceSeconds` may be specified';
    errors.push(fieldError.forbidden('', why));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(fieldError.invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (errors.length > 0) return invalid({ kind: 'PodLogOptions', name: pod }, errors);
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: tailLines ?? Number.POSITIVE_INFINITY,
    since:
      sinceTime ?? new Date(sinceSeconds === undefined ? 0 : now.getTime() - sinceSeconds * 1_000),
    limitBytes: limitBytes ?? Number.POSITIVE_INFINITY,
  };
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined | Refusal {
  const text = query.get(name);
  if (text === null) return undefined;
  return /^[+-]?\d{1,15}$/.test(text)
    ? Number(text)
    : badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function instant(text: string | null): Date | undefined | Refusal {
  if (text === null) return undefined;
  const isRfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const at = new Date(text);
  if (isRfc3339 && !Number.isNaN(at.getTime())) return at;
  return badRequest(
    `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse`,
  );
}
