import type { CANCEL_SYMBOL } from '@clack/prompts';
import { autocomplete, confirm, isCancel, select, text } from '@clack/prompts';
import type { ClientWorld } from './client.world.js';
import { CommandFailure } from './command.failure.js';
import { exitOfSignal, SIGNALS } from './exit.codes.js';
import { spanText } from './styled.text.js';

export interface Choice {
  readonly value: string;
  readonly label?: string;
  readonly hint?: string;
}

/** As many choices are shown at once. */
const SHOWN_MAX = 12;
/** From so many on one types to find. */
const SEARCHED_FROM = 8;

/** Asks the person at the terminal; what is asked goes to standard error, so that results stay apart. */
export class Questions {
  constructor(private readonly world: ClientWorld) {}

  /** One of these. @throws CommandFailure where the person would rather not. */
  async choose(message: string, choices: readonly Choice[], initial?: string): Promise<string> {
    const options = choices.map(({ value, label = value, hint }) => ({
      value,
      label: spanText(label),
      ...(hint === undefined ? {} : { hint: spanText(hint) }),
    }));
    const asked = { message, options, maxItems: SHOWN_MAX, ...this.at() };
    const start = initial === undefined ? {} : { initialValue: initial };
    return answered(
      await (options.length < SEARCHED_FROM
        ? select({ ...asked, ...start })
        : autocomplete({ ...asked, ...start, placeholder: 'type to find' })),
    );
  }

  /** A line of text that `fault` has nothing against. */
  async ask(message: string, fault: (answer: string) => string | undefined): Promise<string> {
    const answer = await text({
      message,
      validate: (given) => fault(given?.trim() ?? ''),
      ...this.at(),
    });
    return answered(answer).trim();
  }

  async sure(message: string): Promise<boolean> {
    return answered(await confirm({ message, initialValue: false, ...this.at() }));
  }

  private at() {
    return { input: this.world.input, output: this.world.errors, withGuide: false };
  }
}

function answered<T>(answer: T | typeof CANCEL_SYMBOL): T {
  if (isCancel(answer)) {
    throw new CommandFailure(exitOfSignal(SIGNALS.interrupt), 'Nothing was done.');
  }
  return answer;
}
