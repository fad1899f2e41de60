import { setTimeout as pause } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { SessionDetails } from '../../contract/session.schema.js';
import type { BrokerAnswer, BrokerClient } from './broker.client.js';
import { CommandFailure } from './command.failure.js';
import { EXIT } from './exit.codes.js';

const BACK_OFF_MS = [250, 500, 1_000, 2_000, 5_000, 10_000] as const;
/** However quiet it is, the session is read again: who is asked, and who watches, changes by the time alone. */
const LOOK_AGAIN_MS = 30_000;

export function sessionPathOf(id: string, rest = ''): string {
  return `/v1/sessions/${encodeURIComponent(id)}${rest}`;
}

export async function readSession(
  broker: BrokerClient,
  id: string,
  signal?: AbortSignal,
): Promise<BrokerAnswer<SessionDetails>> {
  return broker.call(sessionPathOf(id), SessionDetails, signal ? { signal } : {});
}

/**
 * How long to wait before try number `tries`, counted from 0: from half of a time to all of it, by chance, for whoever was
 * cut off with us comes back as well.
 */
export function backOffMs(tries: number): number {
  const longest = BACK_OFF_MS[Math.min(tries, BACK_OFF_MS.length - 1)] ?? 0;
  return longest * (1 - Math.random() / 2);
}

/**
 * A session as it is now and after each of its steps, until it is over or `signal` aborts. Comes back by itself where
 * the connection breaks, however often; `troubled` is told when it does not answer, and with undefined when it does again.
 */
export async function* followSession(
  broker: BrokerClient,
  id: string,
  { signal, troubled }: { signal: AbortSignal; troubled: (sentence?: string) => void },
): AsyncGenerator<SessionDetails> {
  let tries = 0;
  while (!signal.aborted) {
    try {
      const { value } = await readSession(broker, id, signal);
      troubled();
      tries = 0;
      yield value;
      if (value.state === 'denied' || value.state === 'ended') return;
      await nextStep(broker, { id, seen: value.version, signal });
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      troubled(error.message);
      await pause(backOffMs(tries++), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Whether it may be otherwise soon: nothing answers, or what answers is not ready. */
export function isPassing(error: unknown): error is CommandFailure {
  return (
    error instanceof CommandFailure &&
    (error.exit === EXIT.unreachable || error.code === 'too-many-requests')
  );
}

/** Waits for a step after the one that was seen, or for the time to look again. */
async function nextStep(
  broker: BrokerClient,
  { id, seen, signal }: { id: string; seen: number; signal: AbortSignal },
): Promise<void> {
  const leave = new AbortController();
  const enough = AbortSignal.any([signal, leave.signal, AbortSignal.timeout(LOOK_AGAIN_MS)]);
  try {
    const response = await broker.stream(sessionPathOf(id, '/events'), {
      headers: { 'last-event-id': String(seen), accept: 'text/event-stream' },
      signal: enough,
    });
    let heard = false;
    const parser = createParser({
      onEvent: ({ event }) => {
        heard ||= event === 'step' || event === 'close';
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      if (heard) return;
    }
  } catch (error) {
    if (enough.aborted) return;
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(EXIT.unreachable, 'The connection to the broker broke.', undefined, {
      cause: error,
    });
  } finally {
    leave.abort();
  }
}
