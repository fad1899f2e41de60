import { App } from '@slack/bolt';
import type { Receiver } from '@slack/bolt';
import type { z } from 'zod';
import type { Journal } from '../../app/ports/journal.js';
import type { Tracer } from '../../app/ports/tracer.js';
import { UNTRACED } from '../../app/ports/tracer.js';
import { BUTTONS } from './button.value.js';
import { DEBUG_FORM, PLACE_FIELDS, PROFILE_SEARCH, TARGET_SEARCH } from './debug.modal.js';
import type { Ack } from './prompt.answer.js';
import type { SlackButtons } from './slack.buttons.js';
import type { SlackDesk } from './slack.desk.js';
import { SILENT } from './slack.api.js';
import { textOf } from './slack.answer.js';
import type { Called } from './slack.payloads.js';
import {
  ButtonPressed,
  CommandSent,
  FieldTyped,
  FormSent,
  SearchTyped,
  ShortcutSent,
} from './slack.payloads.js';
import type { WordForm } from './word.modals.js';
import { WORD_FORMS } from './word.modals.js';

/** What the shortcut on a message is called in the manifest. */
export const SHORTCUT = 'hallpass_debug_this';
const FORMS: readonly WordForm[] = ['approve', 'deny', 'extend'];

/**
 * What Slack sends, by Bolt, to what it is for. Bolt is given no token and calls nothing: who somebody is, is asked by
 * {@link SlackDesk} and {@link SlackButtons} themselves.
 */
export class SlackDoor {
  private readonly app: App;

  constructor(
    private readonly deps: {
      readonly receiver: Receiver;
      readonly desk: SlackDesk;
      readonly buttons: Pick<SlackButtons, 'press' | 'submit'>;
      readonly journal: Journal;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
    },
  ) {
    this.app = new App({
      receiver: deps.receiver,
      authorize: async () => Promise.resolve({ botId: 'unknown', botUserId: 'unknown' }),
      logger: SILENT,
      ignoreSelf: false,
      convoStore: false,
      extendedErrorHandler: false,
    });
    this.route();
  }

  async start(): Promise<void> {
    await this.app.start();
  }

  async stop(): Promise<void> {
    await this.app.stop();
  }

  private route(): void {
    const { desk, buttons, journal, tracer = UNTRACED } = this.deps;
    const { app } = this;
    app.use(async ({ next }) => tracer.run('slack.message', {}, next));
    app.command(
      '/debug',
      taking(CommandSent, async (sent, ack) => desk.command(sent, ack)),
    );
    app.shortcut(
      SHORTCUT,
      taking(ShortcutSent, async (sent, ack) => desk.shortcut(sent, ack)),
    );
    for (const action of [TARGET_SEARCH, PROFILE_SEARCH]) {
      app.options(
        action,
        taking(SearchTyped, async (sent, ack) => desk.search(sent, ack)),
      );
    }
    for (const field of PLACE_FIELDS) {
      app.action(
        field,
        taking(FieldTyped, async (sent, ack) => desk.follow(sent, ack)),
      );
    }
    for (const button of Object.values(BUTTONS)) {
      app.action(
        button,
        taking(ButtonPressed, async (sent, ack) => buttons.press(sent, ack)),
      );
    }
    app.view(
      DEBUG_FORM,
      taking(FormSent, async (sent, ack) => desk.submit(sent, ack)),
    );
    for (const form of FORMS) {
      app.view(
        WORD_FORMS[form],
        taking(FormSent, async (sent, ack) => buttons.submit(form, sent, ack)),
      );
    }
    // The error may hold what people wrote only where Slack's own payload was no payload; it is never told to Slack.
    app.error((error) => {
      journal.error({ err: error }, 'what Slack sent could not be worked on');
      return Promise.resolve();
    });
  }
}

/** A listener of Bolt's that reads what it is given before anything is done with it. */
function taking<T extends object>(
  schema: z.ZodType<T>,
  run: (sent: T & Called, ack: Ack) => Promise<void>,
) {
  return async ({
    body,
    ack,
    context,
  }: {
    body: unknown;
    ack: (answer?: never) => Promise<unknown>;
    context: unknown;
  }): Promise<void> => {
    // Each kind of payload has answers of its own, which Bolt types one by one.
    const answer: Ack = async (said) => {
      await Reflect.apply(ack, undefined, said === undefined ? [] : [said]);
    };
    const parsed = schema.safeParse(body);
    if (!parsed.success) return answer();
    await run({ ...parsed.data, requestId: textOf(context, 'requestId') }, answer);
  };
}
