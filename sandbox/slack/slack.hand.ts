import { createHmac, randomUUID } from 'node:crypto';
import { initialOf, inputsOf, valuesOf } from './form.values.js';
import type { Answer, Option } from './slack.shapes.js';
import { Answer as AnswerShape } from './slack.shapes.js';
import type { SlackWorkspace } from './slack.workspace.js';
import { TEAM_ID } from './slack.workspace.js';

/** Slack gives up after 3 seconds. */
const ANSWER_MS_MAX = 3_000;

/**
 * What people do in the workspace, and what Slack makes of it: commands and interactions, signed and posted to the
 * broker, and its answers shown. People are called by their names in the sandbox (`robin`).
 */
export class SlackHand {
  constructor(
    private readonly workspace: SlackWorkspace,
    private readonly to: { readonly eventsUrl: string; readonly signingSecret: string },
  ) {}

  /** `/debug` with what is typed behind it. What is wrong with it is told to that person alone. */
  async command(person: string, text: string): Promise<void> {
    const user = this.workspace.id(person);
    const channel = await this.workspace.dm(person);
    const answer = await this.post({
      command: '/debug',
      text,
      team_id: TEAM_ID,
      user_id: user,
      channel_id: channel,
      trigger_id: await this.workspace.trigger(user),
    });
    if (answer.text === undefined) return;
    const said = { user: this.workspace.id('hallpass'), text: answer.text, blocks: [] };
    this.workspace.tellAlone(channel, user, { ...said, reply_count: 0 });
  }

  async press(
    person: string,
    button: {
      readonly channel: string;
      readonly ts: string;
      readonly action: string;
      readonly value: string;
    },
  ): Promise<void> {
    const { channel, ts, action, value } = button;
    await this.interact(person, {
      type: 'block_actions',
      channel: { id: channel },
      container: { type: 'message', channel_id: channel, message_ts: ts },
      actions: [{ type: 'button', action_id: action, block_id: action, value }],
    });
  }

  /** Sends the form that the person sees; what is not filled in is as it was given. */
  async submit(person: string, filled: Readonly<Record<string, string>>): Promise<void> {
    const user = this.workspace.id(person);
    const open = this.workspace.view(user);
    if (!open) return;
    const values = valuesOf(open.view, { ...initialOf(open.view), ...filled });
    const answer = await this.interact(person, {
      type: 'view_submission',
      view: { ...open.view, id: open.id, type: 'modal', state: { values } },
    });
    if (answer.response_action === 'errors') {
      this.workspace.setView(user, { errors: answer.errors ?? {} });
    } else {
      this.workspace.setView(user, answer.view ? { view: answer.view } : null);
    }
  }

  /** Leaves a field of the form that the broker is told of at once, with what the form holds by then. */
  async leave(
    person: string,
    block: string,
    filled: Readonly<Record<string, string>>,
  ): Promise<void> {
    const open = this.workspace.view(this.workspace.id(person));
    const input = open && inputsOf(open.view).find((one) => one.block_id === block);
    if (!open || input?.dispatch_action !== true) return;
    const values = valuesOf(open.view, { ...initialOf(open.view), ...filled });
    const { type, action_id: action } = input.element;
    await this.interact(person, {
      type: 'block_actions',
      container: { type: 'view', view_id: open.id },
      actions: [{ type, action_id: action, block_id: block, value: filled[block] ?? '' }],
      view: { ...open.view, id: open.id, type: 'modal', state: { values } },
    });
  }

  /** What is offered in a list of the form that the person sees, for what they typed. */
  async suggest(
    person: string,
    asked: { readonly block: string; readonly typed: string },
  ): Promise<readonly Option[]> {
    const open = this.workspace.view(this.workspace.id(person));
    const input = open && inputsOf(open.view).find((one) => one.block_id === asked.block);
    if (!input) return [];
    // Slack does not say here what the fields hold by now, but what they held when the form was made.
    const values = valuesOf(open.view, initialOf(open.view));
    const answer = await this.interact(person, {
      type: 'block_suggestion',
      action_id: input.element.action_id,
      block_id: asked.block,
      value: asked.typed,
      view: { ...open.view, id: open.id, type: 'modal', state: { values } },
    });
    return answer.options ?? [];
  }

  /** Closes the form that the person sees, and sends nothing. */
  close(person: string): void {
    this.workspace.setView(this.workspace.id(person), null);
  }

  private async interact(person: string, payload: object): Promise<Answer> {
    const user = this.workspace.id(person);
    const full = {
      team: { id: TEAM_ID },
      user: { id: user, team_id: TEAM_ID },
      trigger_id: await this.workspace.trigger(user),
      ...payload,
    };
    return this.post({ payload: JSON.stringify(full) });
  }

  /** https://docs.slack.dev/authentication/verifying-requests-from-slack */
  private async post(fields: Readonly<Record<string, string>>): Promise<Answer> {
    // No two requests of Slack's are alike.
    const body = new URLSearchParams({ ...fields, token: randomUUID() }).toString();
    const timestamp = `${Math.floor(Date.now() / 1000)}`;
    const mac = createHmac('sha256', this.to.signingSecret).update(`v0:${timestamp}:${body}`);
    const response = await fetch(this.to.eventsUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${mac.digest('hex')}`,
      },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the broker answered ${response.status}`);
    return text === '' ? {} : AnswerShape.parse(JSON.parse(text));
  }
}
