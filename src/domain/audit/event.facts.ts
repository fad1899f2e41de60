/**
 * What an event is found by. Taken from its body alone, so that it can be taken again at any time; proves nothing, for
 * that is what the body is for.
 */
export interface EventFacts {
  readonly action: string | null;
  readonly at: Date | null;
  readonly session: string | null;
  readonly outcome: string | null;
  /** Who did it: issuer and subject; null where the broker did. */
  readonly person: { readonly iss: string; readonly sub: string } | null;
  readonly email: string | null;
  /** Whether they gave their word on somebody's session. */
  readonly isApproval: boolean;
  /** Whose session it is, as far as the event says so. */
  readonly requester: string | null;
  readonly cluster: string | null;
  readonly namespace: string | null;
  /** As `Deployment/web`. */
  readonly workload: string | null;
  readonly pod: string | null;
  /** As `name:tag@sha256:…`, as far as the event says. */
  readonly image: string | null;
  readonly rule: string | null;
  readonly ticket: string | null;
  readonly breakGlass: boolean;
  /** What people wrote and what was told to them, a line each. */
  readonly words: string;
}

/** The facts of the event at a place. */
export interface PlacedFacts {
  readonly index: number;
  readonly facts: EventFacts;
}

/** Longer values are found by their beginning: keys of an index have a limit. In UTF-16 code units. */
export const FACT_CHARACTERS_MAX = 500;
/** Of {@link EventFacts.words}. */
export const WORDS_CHARACTERS_MAX = 10_000;
/** Deeper in `data` nothing is looked for. */
const DEPTH_MAX = 6;

const APPROVALS: ReadonlySet<string | null> = new Set([
  'session.consent',
  'session.approve',
  'session.deny',
  'session.retract',
]);

/** The facts of an event's body. Total: of what is no event there are none. */
export function eventFacts(body: Buffer): EventFacts {
  const event = parsed(body);
  const at = (...path: string[]) => wordAt(event, path);
  const action = at('action');
  const [iss, sub] = [at('actor', 'iss'), at('actor', 'sub')];
  return {
    action,
    at: instantOf(at('time')),
    session: at('session'),
    outcome: at('outcome'),
    person: iss !== null && sub !== null ? { iss, sub } : null,
    email: at('actor', 'email'),
    isApproval: APPROVALS.has(action),
    requester: at('data', 'requester', 'sub'),
    cluster: at('target', 'cluster'),
    namespace: at('target', 'namespace'),
    workload: at('target', 'workload'),
    pod: at('target', 'pod'),
    image: imageOf(at('target', 'image'), at('target', 'imageId')),
    rule: at('policy', 'rule') ?? at('data', 'rule'),
    ticket: at('ticket'),
    breakGlass: valueAt(event, ['breakGlass']) === true,
    words: wordsOf([
      valueAt(event, ['reason']),
      valueAt(event, ['ticket']),
      withoutSpec(valueAt(event, ['data'])),
    ]),
  };
}

/** With its digest, where the node said which it took. Events of one container may know it or not yet. */
function imageOf(image: string | null, imageId: string | null): string | null {
  const [digest] = /sha256:[0-9a-f]{64}$/.exec(imageId ?? '') ?? [];
  return image === null || digest === undefined || image.includes('@')
    ? image
    : factText(`${image}@${digest}`);
}

/** As {@link eventFacts} has it: what is looked for in one of its columns. */
export function factText(text: string): string {
  // PostgreSQL has no NUL in text, and half a character has no UTF-8.
  return text.replaceAll('\0', ' ').slice(0, FACT_CHARACTERS_MAX).toWellFormed();
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function valueAt(event: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (Reflect.get(value, key) as unknown)
        : undefined,
    event,
  );
}

function wordAt(event: unknown, path: readonly string[]): string | null {
  const value = valueAt(event, path);
  return typeof value === 'string' ? factText(value) : null;
}

function instantOf(text: string | null): Date | null {
  const at = new Date(text ?? NaN);
  return Number.isNaN(at.getTime()) ? null : at;
}

function wordsOf(values: readonly unknown[]): string {
  const words = values.flatMap((value) => textsIn(value, DEPTH_MAX)).join('\n');
  return words.replaceAll('\0', ' ').slice(0, WORDS_CHARACTERS_MAX).toWellFormed();
}

/** The script of a container's timer is the same in all: whoever looks for a word of it wants something else. */
function withoutSpec(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== 'containerSpec'));
}

function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  return Object.values(value).flatMap((it: unknown) => textsIn(it, depth - 1));
}
