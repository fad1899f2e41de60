import { z } from 'zod';
import type { Message } from '../slack/slack.shapes.js';
import type { SlackWorkspace } from '../slack/slack.workspace.js';

const SEEN_MS_MAX = 30_000;

/** A button, as it is to be pressed. */
export interface Button {
  readonly channel: string;
  readonly ts: string;
  readonly action: string;
  readonly value: string;
}

/** Looks at a workspace until something is seen there. */
export class SlackEyes {
  constructor(private readonly workspace: SlackWorkspace) {}

  /** What `look` finds, once it finds something. @throws Error where it does not within 30 seconds. */
  async until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const end = Date.now() + SEEN_MS_MAX;
    while (Date.now() < end) {
      const next = this.nextChange();
      const seen = await look();
      if (seen !== undefined) return seen;
      await next;
    }
    throw new Error(`${what} is not seen in Slack`);
  }

  /** The newest message of a channel that says something; `words` is looked for in all that it is made of. */
  async message(channel: string, words: string): Promise<Message> {
    return this.until(`"${words}"`, async () =>
      (await this.workspace.messages(channel)).findLast((one) =>
        JSON.stringify(one).includes(words),
      ),
    );
  }

  /** The newest button of its kind in a channel. */
  async button(channel: string, action: string): Promise<Button> {
    return this.until(`the button ${action}`, async () => {
      const messages = await this.workspace.messages(channel);
      for (const { ts, blocks } of messages.toReversed()) {
        const value = valueOf(blocks, action);
        if (value !== undefined) return { channel, ts, action, value };
      }
      return undefined;
    });
  }

  /** Until somebody sees a form that is called so, or, without a name, one that only says something. */
  async form(person: string, callback: string): Promise<string> {
    return this.until(`the form ${callback} of ${person}`, () => {
      const view = this.workspace.view(this.workspace.id(person))?.view;
      return view?.callback_id === callback ? JSON.stringify(view.blocks) : undefined;
    });
  }

  private async nextChange(): Promise<void> {
    let stop: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      stop = this.workspace.onChange(resolve);
      // Nobody waits for a story that is broken off.
      timer = setTimeout(resolve, 500).unref();
    });
    clearTimeout(timer);
    stop();
  }
}

const Pressable = z.object({ action_id: z.string(), value: z.string() });

function valueOf(blocks: Message['blocks'], action: string): string | undefined {
  const elements = blocks.flatMap(
    (block) => z.array(z.unknown()).safeParse(block['elements']).data ?? [],
  );
  const buttons = elements.flatMap((element) => Pressable.safeParse(element).data ?? []);
  return buttons.find(({ action_id: id }) => id === action)?.value;
}
