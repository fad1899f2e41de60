import { Command } from 'commander';
import { SessionDetails } from '../../contract/session.schema.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure, trouble } from './command.failure.js';
import { EXIT } from './exit.codes.js';
import { Questions } from './questions.js';
import { readSession, sessionPathOf } from './session.follower.js';
import { overText, sessionLines, waitingText } from './session.text.js';
import { styled } from './styled.text.js';

interface DecideOptions extends ClientOptions {
  readonly comment?: string;
  readonly yes?: boolean;
}

const VERDICTS = {
  approve: { does: 'consent to a session that waits for you', asks: 'Do you consent to this?' },
  deny: { does: 'deny a session that waits for you', asks: 'Do you deny this?' },
  retract: { does: 'take a consent back', asks: 'Do you take your consent to this back?' },
} as const;
type Verdict = keyof typeof VERDICTS;

/** As often is asked anew because the session changed while the question stood. */
const TRIES_MAX = 5;

/** `hallpass approve`, `deny` and `retract`: a word on what was shown, and on nothing else. */
export function decideCommands(deps: CommandDeps): Command[] {
  return (Object.keys(VERDICTS) as Verdict[]).map((verdict) => {
    const command = clientCommand(new Command(verdict))
      .description(VERDICTS[verdict].does)
      .argument('<id>', 'the session')
      .option('-y, --yes', 'do not ask whether you are sure');
    const why = ['--comment <text>', 'why'] as const;
    if (verdict === 'deny') command.requiredOption(...why);
    else command.option(...why);
    return command.action(
      acting<DecideOptions, [string]>(deps, (running, id) => decide(running, { verdict, id })),
    );
  });
}

async function decide(
  running: Running & { readonly options: DecideOptions },
  { verdict, id }: { readonly verdict: Verdict; readonly id: string },
): Promise<number> {
  const { options } = running;
  const broker = await running.broker();
  for (let tries = 1; ; tries++) {
    const { value: shown, etag } = await readSession(broker, id);
    running.tell(...sessionLines(shown, running.moment), '');
    if (options.yes !== true) {
      if (!running.asks) throw trouble('Nobody can be asked here: say --yes if you are sure.');
      const isSure = await new Questions(running.world).sure(VERDICTS[verdict].asks);
      if (!isSure) throw new CommandFailure(EXIT.trouble, 'Nothing was done.');
    }
    try {
      const { comment } = options;
      const { value, raw } = await broker.call(sessionPathOf(id, '/decisions'), SessionDetails, {
        method: 'POST',
        body: { verdict, ...(comment === undefined ? {} : { comment }) },
        headers: { 'if-match': etag ?? `"${shown.version}"` },
      });
      await running.show(raw, () => [
        value.state === 'denied' || value.state === 'ended'
          ? overText(value)
          : waitingText(value, running.moment),
      ]);
      return EXIT.ok;
    } catch (error) {
      const hasChanged = error instanceof CommandFailure && error.code === 'changed-since-seen';
      // Who said --yes said it of what was there then.
      if (!hasChanged || options.yes === true || tries === TRIES_MAX) throw error;
      running.tell(styled('yellow', 'The session has changed meanwhile. This is what it is now:'));
    }
  }
}
