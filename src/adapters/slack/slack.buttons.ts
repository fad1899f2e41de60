import type { z } from 'zod';
import type { ActOnSession } from '../../app/act-on-session.js';
import type { DecideSession } from '../../app/decide-session.js';
import type { ExtendSession } from '../../app/extend-session.js';
import type { Journal } from '../../app/ports/journal.js';
import type { SlackApi } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import { durationSeconds } from '../../contract/duration.schema.js';
import { prose } from '../../contract/text.schema.js';
import type { Permission } from '../../domain/permission.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem } from '../../domain/problem.js';
import type { Session } from '../../domain/session/session.js';
import { problemLines } from './ask.answer.js';
import type { ButtonSays } from './button.value.js';
import { BUTTONS, parseButtonValue } from './button.value.js';
import { said } from './modal.parts.js';
import type { Ack, Answer } from './prompt.answer.js';
import { promptly, viewOf } from './prompt.answer.js';
import { section } from './slack.blocks.js';
import type { SentBy, SlackCallers } from './slack.callers.js';
import { isNotServed } from './slack.callers.js';
import type { ButtonPressed, Called, FormSent } from './slack.payloads.js';
import type { WordForm } from './word.modals.js';
import { wordView } from './word.modals.js';

const COMMENT = prose(2_000);

type Seen = Pick<ButtonSays, 'id' | 'version'>;
type Pressed = ButtonPressed & Called;
type Caller = Parameters<DecideSession['decide']>[0];

/**
 * What the buttons of messages do, by the same use cases as the API. What happened is seen in the message, which is kept
 * true; only refusals are told, to who pressed alone. Pressing twice has one effect: each names the version it was
 * pressed on.
 */
export class SlackButtons {
  constructor(
    private readonly deps: {
      readonly api: Pick<SlackApi, 'openView' | 'updateView' | 'ephemeral'>;
      readonly callers: SlackCallers;
      readonly deciding: Pick<DecideSession, 'decide'>;
      readonly acting: Pick<ActOnSession, 'act'>;
      readonly extending: Pick<ExtendSession, 'extend'>;
      readonly journal: Journal;
      readonly publicUrl: string;
    },
  ) {}

  async press(pressed: Pressed, ack: Ack): Promise<void> {
    await ack();
    const [{ action_id: action, value }] = pressed.actions;
    const seen = parseButtonValue(value);
    if (!seen) return;
    switch (action) {
      case BUTTONS.approve:
        // The trigger holds for 3 seconds: where it is known that policy asks why, nothing is looked up before.
        return seen.asksWhy ? this.openForm(pressed, 'approve') : this.approve(pressed, seen);
      case BUTTONS.end:
        return this.end(pressed, seen);
      case BUTTONS.deny:
        return this.openForm(pressed, 'deny');
      case BUTTONS.extend:
        return this.openForm(pressed, 'extend');
      default:
        return undefined;
    }
  }

  async submit(form: WordForm, sent: z.infer<typeof FormSent> & Called, ack: Ack) {
    const { user, view, requestId } = sent;
    const seen = parseButtonValue(view.private_metadata);
    if (!seen) return ack();
    const text = said(view, 'comment');
    const comment = text === undefined ? undefined : COMMENT.safeParse(text);
    if (comment?.success === false) {
      const message = comment.error.issues[0]?.message ?? 'cannot be taken';
      return ack({ response_action: 'errors', errors: { comment: message } });
    }
    const length = said(view, 'duration') ?? '';
    const seconds = durationSeconds(length.toLowerCase());
    if (form === 'extend' && seconds === undefined) {
      const errors = { duration: 'Write a duration such as 30m or 1h30m.' };
      return ack({ response_action: 'errors', errors });
    }
    const words = { seen, viewId: view.id, comment: comment?.data, seconds: seconds ?? 0 };
    await promptly({
      ack,
      work: this.word(form, { userId: user.id, requestId }, words),
      later: async (answer) => {
        await this.deps.api.updateView({ id: view.id, view: viewOf(answer) });
      },
    });
  }

  private async approve(pressed: Pressed, seen: Seen): Promise<void> {
    const caller = await this.callerOf(pressed, 'session:decide');
    if (!caller) return;
    const word = { verdict: 'approve', seenVersion: seen.version } as const;
    const came = await this.deps.deciding.decide(caller, seen.id, word);
    if (!isProblem(came)) return;
    // Policy wants to know why: then that is asked, while the trigger holds.
    if (came.problem === 'invalid-fields') return this.openForm(pressed, 'approve');
    await this.tellProblem(pressed, seen, came);
  }

  private async end(pressed: Pressed, { id, version }: Seen): Promise<void> {
    const caller = await this.callerOf(pressed, 'session:use');
    if (!caller) return;
    const came = await this.deps.acting.act(caller, id, { action: 'end' });
    if (isProblem(came)) await this.tellProblem(pressed, { id, version }, came);
  }

  private async word(
    form: WordForm,
    by: SentBy,
    words: { seen: Seen; viewId: string; comment: string | undefined; seconds: number },
  ): Promise<Answer> {
    const needed = form === 'extend' ? 'session:use' : 'session:decide';
    const caller = await this.deps.callers.of(by, needed);
    if (isNotServed(caller)) return caller;
    const came = await this.said(form, caller, words);
    const errors = isProblem(came) ? besideFields(came) : undefined;
    if (errors) return { errors };
    return {
      lines: isProblem(came) ? [...problemLines(came), this.link(words.seen)] : [DONE[form]],
    };
  }

  private async said(
    form: WordForm,
    caller: Caller,
    words: { seen: Seen; viewId: string; comment: string | undefined; seconds: number },
  ): Promise<Session | Problem> {
    const { seen, viewId, comment, seconds } = words;
    const why = comment === undefined ? {} : { comment };
    if (form !== 'extend') {
      const word = { verdict: form, seenVersion: seen.version, ...why };
      return this.deps.deciding.decide(caller, seen.id, word);
    }
    const wish = {
      durationSeconds: seconds,
      ...(comment === undefined ? {} : { reason: comment }),
    };
    const key = { key: `slack-${viewId}`, requestHash: `${seen.id}:${seconds}` };
    const came = await this.deps.extending.extend(caller, seen.id, wish, key);
    return isProblem(came) ? came : came.session;
  }

  private async openForm(pressed: Pressed, form: WordForm): Promise<void> {
    const { api, journal } = this.deps;
    const [{ value }] = pressed.actions;
    const opened = await api.openView({
      triggerId: pressed.trigger_id,
      view: wordView(form, value),
    });
    if (!isSlackRefusal(opened)) return;
    journal.warn({ slack: opened }, 'a form could not be opened in Slack');
    await this.tell(pressed, 'Slack did not open the form in time. Press again.');
  }

  private async callerOf(pressed: Pressed, needed: Permission): Promise<Caller | undefined> {
    const caller = await this.deps.callers.of(
      { userId: pressed.user.id, requestId: pressed.requestId },
      needed,
    );
    if (!isNotServed(caller)) return caller;
    await this.tell(pressed, caller.why);
    return undefined;
  }

  private async tellProblem(pressed: Pressed, seen: Seen, came: Problem): Promise<void> {
    await this.tell(pressed, [...problemLines(came), this.link(seen)].join('\n'));
  }

  private link({ id }: Seen): string {
    return `<${this.deps.publicUrl}/sessions/${id}|Open the session>`;
  }

  private async tell({ user, channel }: ButtonPressed, mrkdwn: string): Promise<void> {
    if (!channel) return;
    const text = 'Hallpass could not do this.';
    const says = { channel: channel.id, user: user.id, text, blocks: [section(mrkdwn)] };
    const told = await this.deps.api.ephemeral(says);
    if (isSlackRefusal(told)) {
      this.deps.journal.warn({ slack: told }, 'a refusal could not be told in Slack');
    }
  }
}

/** The input of a form by what the use case calls it. */
const INPUTS: Readonly<Record<string, string>> = {
  '/durationSeconds': 'duration',
  '/comment': 'comment',
  '/reason': 'comment',
};

/** What is wrong with what was written, beside where it was written; undefined where something else is wrong. */
function besideFields({ problem, errors = [] }: Problem): Record<string, string> | undefined {
  if (problem !== 'invalid-fields' || errors.length === 0) return undefined;
  const beside = errors.flatMap(({ path, message }) => {
    const input = INPUTS[path];
    return input === undefined ? [] : [[input, message] as const];
  });
  return beside.length === errors.length ? Object.fromEntries(beside) : undefined;
}

const DONE: Readonly<Record<WordForm, string>> = {
  approve: ':white_check_mark: Your consent counts.',
  deny: ':no_entry: You have denied it.',
  extend: ':white_check_mark: It is being extended.',
};
