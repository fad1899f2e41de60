import { SessionDetails } from '../../contract/session.schema.js';
import type { BrokerClient } from './broker.client.js';
import type { Running } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import { Questions } from './questions.js';
import { sessionPathOf } from './session.follower.js';

/** Ends a session of one's own, or withdraws it. One that is over already is what was wanted. */
export async function endSession(broker: BrokerClient, id: string): Promise<void> {
  try {
    await broker.call(sessionPathOf(id, '/end'), SessionDetails, { method: 'POST' });
  } catch (error) {
    if (!(error instanceof CommandFailure && error.code === 'illegal-transition')) throw error;
  }
}

/** Asks somebody who leaves the terminal what becomes of the session; without asking, it is left running. */
export async function leaveOrEnd(
  running: Running,
  { broker, session }: { readonly broker: BrokerClient; readonly session: string },
): Promise<'back' | 'left' | 'ended'> {
  if (!running.asks) return 'left';
  const choice = await new Questions(running.world)
    .choose(`What becomes of session ${session}?`, [
      { value: 'back', label: 'go back to the terminal' },
      { value: 'leave', label: 'leave it running', hint: `hallpass connect ${session}` },
      { value: 'end', label: 'end it' },
    ])
    .catch(() => 'leave');
  if (choice === 'back') return 'back';
  if (choice !== 'end') return 'left';
  await endSession(broker, session);
  running.tell(`Session ${session} is being ended.`);
  return 'ended';
}

/** Asks somebody who will not wait what becomes of the request; without asking, it is left as it is. */
export async function waitOrWithdraw(
  running: Running,
  { broker, session }: { readonly broker: BrokerClient; readonly session: string },
): Promise<'wait' | 'left' | 'withdrawn'> {
  const choice = running.asks
    ? await new Questions(running.world)
        .choose(`What becomes of session ${session}?`, [
          { value: 'wait', label: 'keep waiting' },
          { value: 'leave', label: 'leave it as it is', hint: `hallpass connect ${session}` },
          { value: 'withdraw', label: 'withdraw it' },
        ])
        .catch(() => 'leave')
    : 'leave';
  if (choice === 'wait') return 'wait';
  if (choice === 'withdraw') {
    await endSession(broker, session);
    running.tell(`Session ${session} is withdrawn.`);
    return 'withdrawn';
  }
  running.tell(`Session ${session} is left as it is. Come back with: hallpass connect ${session}`);
  return 'left';
}
