import type { CheckName, Finding, Judgement } from '../../domain/doctor/finding.js';
import { CHECKS } from '../../domain/doctor/finding.js';

/** No check takes longer, whatever it waits for. */
export const CHECK_MS_MAX = 5_000;

/** One thing to look at: it becomes one row. */
export interface Check {
  readonly name: CheckName;
  /** What is looked at, for people. */
  readonly on: string;
  look(signal: AbortSignal): Promise<Judgement> | Judgement;
}

/**
 * Looks at everything at once, each for a bounded time. What throws, or takes too long, is unknown: never ok, and no
 * reason for the rest not to be told.
 *
 * @returns a row for each check, in the order of {@link CHECKS}.
 */
export async function examine(
  checks: readonly Check[],
  limitMs = CHECK_MS_MAX,
): Promise<readonly Finding[]> {
  const order = Object.keys(CHECKS);
  const found = await Promise.all(checks.map((check) => one(check, limitMs)));
  return found.toSorted((a, b) => order.indexOf(a.check) - order.indexOf(b.check));
}

async function one(it: Check, limitMs: number): Promise<Finding> {
  const { name: check, on } = it;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Judgement>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        verdict: 'unknown',
        seen: `it could not be looked at within ${limitMs / 1_000} s`,
        advice: 'run it again from where it can be reached',
      });
      stopping.abort();
    }, limitMs);
  });
  const looked = (async () => it.look(stopping.signal))().catch(broken);
  try {
    return { check, on, ...(await Promise.race([looked, late])) };
  } finally {
    clearTimeout(timer);
  }
}

const WORDS_MAX = 200;

/** What was thrown is not known to be free of secrets: its kind is told, and its code where it has one. */
function broken(error: unknown): Judgement {
  const code = error instanceof Error && 'code' in error ? ` ${String(error.code)}` : '';
  const kind = error instanceof Error ? error.name : typeof error;
  return {
    verdict: 'unknown',
    seen: `it could not be looked at (${`${kind}${code}`.slice(0, WORDS_MAX)})`,
    advice: 'run it again; report it where it stays so',
  };
}
