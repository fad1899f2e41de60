import type { SlackView } from '../../app/ports/slack.api.js';
import { closed } from './modal.parts.js';
import type { NotServed } from './slack.callers.js';

/** Slack waits for 3 seconds. So much of them is left for the answer to reach it. */
const PROMPT_MS = 1_800;

/** Answers what Slack sent, once. */
export type Ack = (answer?: unknown) => Promise<void>;

/** What a form came to. */
export type Answer =
  | { readonly lines: readonly string[] }
  | { readonly errors: Readonly<Record<string, string>> }
  | NotServed;

/**
 * Answers a form with what it came to where that is known in time, errors beside their fields. Otherwise that it is under
 * way, and then, by `later`, what it came to.
 */
export async function promptly(args: {
  readonly ack: Ack;
  readonly work: Promise<Answer>;
  readonly later: (answer: Answer) => Promise<void>;
  readonly promptMs?: number;
}): Promise<void> {
  const { ack, work, later, promptMs = PROMPT_MS } = args;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, promptMs, undefined);
  });
  try {
    const answer = await Promise.race([work, late]);
    if (answer !== undefined) {
      await ack(
        'errors' in answer
          ? { response_action: 'errors', errors: answer.errors }
          : { response_action: 'update', view: viewOf(answer) },
      );
      return;
    }
  } catch (error) {
    await ack({
      response_action: 'update',
      view: closed(':warning: That did not work. Try again soon.'),
    });
    throw error;
  } finally {
    clearTimeout(timer);
  }
  await ack({ response_action: 'update', view: closed('One moment.') });
  try {
    await later(await work);
  } catch (error) {
    await later({ lines: [':warning: That did not work. Try again soon.'] });
    throw error;
  }
}

export function viewOf(answer: Answer): SlackView {
  if ('why' in answer) return closed(answer.why);
  return closed(...('lines' in answer ? answer.lines : Object.values(answer.errors)));
}
