import type { SessionDetails } from '../../contract/session.schema.js';
import type { BrokerClient } from './broker.client.js';
import type { Running } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT, exitOfSignal, SIGNALS } from './exit.codes.js';
import { waitOrWithdraw } from './leaving.js';
import { followSession } from './session.follower.js';
import { overText, waitingText } from './session.text.js';
import { Spinner } from './spinner.js';

/** What waiting came to: the session as it is then, or what to end with. */
export type Waited = { readonly session: SessionDetails } | { readonly left: ExitCode };

/**
 * Waits until the session is as wanted, and says whom it waits for. Ctrl-C asks what to do; a second one, or another
 * signal, leaves at once.
 *
 * @throws CommandFailure where the session is over first.
 */
export async function waitForSession(
  running: Running,
  {
    broker,
    id,
    until,
  }: {
    readonly broker: BrokerClient;
    readonly id: string;
    readonly until: (session: SessionDetails) => boolean;
  },
): Promise<Waited> {
  for (;;) {
    const waited = await untilInterrupted(running, { broker, id, until });
    if ('session' in waited) return waited;
    if (waited.signal !== SIGNALS.interrupt) return { left: exitOfSignal(waited.signal) };
    const choice = await chosen(running, { broker, session: id });
    if (choice !== 'wait') return { left: exitOfSignal(SIGNALS.interrupt) };
  }
}

/** A second Ctrl-C while the question stands leaves at once, and everything as it is. */
async function chosen(
  running: Running,
  at: { readonly broker: BrokerClient; readonly session: string },
): Promise<'wait' | 'left' | 'withdrawn'> {
  const again = Promise.withResolvers<'left'>();
  const stopListening = running.world.signals.listen(() => again.resolve('left'));
  try {
    return await Promise.race([waitOrWithdraw(running, at), again.promise]);
  } finally {
    stopListening();
  }
}

async function untilInterrupted(
  running: Running,
  {
    broker,
    id,
    until,
  }: {
    readonly broker: BrokerClient;
    readonly id: string;
    readonly until: (session: SessionDetails) => boolean;
  },
): Promise<{ readonly session: SessionDetails } | { readonly signal: number }> {
  const leave = new AbortController();
  let signal: number | undefined;
  const stopListening = running.world.signals.listen((heard) => {
    signal ??= heard;
    leave.abort();
  });
  using spinner = new Spinner(running);
  let seen: SessionDetails | undefined;
  const troubled = (sentence?: string): void => {
    if (sentence !== undefined) spinner.show(sentence, () => `${sentence} Still trying …`);
  };
  try {
    for await (const session of followSession(broker, id, { signal: leave.signal, troubled })) {
      seen = session;
      if (until(session)) return { session };
      if (session.state === 'denied') throw new CommandFailure(EXIT.denied, overText(session));
      if (session.state === 'ended') throw new CommandFailure(EXIT.over, overText(session));
      spinner.show(`${session.version}`, () => waitingText(session, running.moment));
    }
  } finally {
    stopListening();
  }
  if (signal !== undefined) return { signal };
  throw new CommandFailure(EXIT.over, seen ? overText(seen) : `${id} is over.`);
}
