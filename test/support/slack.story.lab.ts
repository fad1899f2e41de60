import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { expect, vi } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { freePort } from '../../sandbox/free.port.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { commandBody, interactionBody, SignedPosts } from '../../sandbox/slack/signed.posts.js';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { BUTTONS } from '../../src/adapters/slack/button.value.js';
import { DEBUG_FORM } from '../../src/adapters/slack/debug.modal.js';
import type { Broker } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import { BrokerLab } from './broker.lab.js';
import { formValues } from './slack.app.lab.js';
import type { LabMessage } from './slack.lab.js';
import { SlackLab, TOKEN } from './slack.lab.js';

export const SIGNING_SECRET = 'signing-secret-of-the-story';
/** How long a message in Slack may take to be as it should. */
export const SOON = { timeout: 30_000, interval: 25 };

export type SlackName = 'robin' | 'alex' | 'sam';
/** A channel, or somebody's own conversation with the app. */
export type SlackPlaceName = 'approvals' | 'security' | SlackName;

/** A broker that Slack posts to. */
export interface SlackBroker extends Broker {
  readonly slack: SignedPosts;
}

/** Whole brokers on one database and one cluster, and the workspace that they hear and write into. */
export class SlackStoryLab implements AsyncDisposable {
  private readonly brokers: SlackBroker[] = [];

  private constructor(
    readonly slack: SlackLab,
    readonly lab: BrokerLab,
    readonly places: Readonly<Record<SlackPlaceName, string>>,
    private readonly surroundings: Partial<Surroundings>,
  ) {}

  static async start(): Promise<SlackStoryLab> {
    const [slack, lab] = await Promise.all([
      SlackLab.open(),
      BrokerLab.start({ cluster: { port: 0 } }),
    ]);
    const places = {
      approvals: await slack.channel('approvals'),
      security: await slack.channel('security'),
      robin: await slack.user('robin'),
      alex: await slack.user('alex'),
      sam: await slack.user('sam'),
    };
    const self = await slack.api().self();
    if ('refused' in self) throw new Error('the workspace does not say what it is');
    const { folder } = lab.sandbox;
    const file = async (name: string, text: string): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, text, { mode: 0o600 });
      return path;
    };
    return new SlackStoryLab(slack, lab, places, {
      policies: await policiesFor(folder, places.approvals),
      slack: {
        teamId: self.teamId,
        mode: 'http',
        securityChannel: places.security,
        botTokenFile: await file('slack-bot-token', TOKEN),
        signingSecretFile: await file('slack-signing-secret', SIGNING_SECRET),
        apiUrl: slack.url,
      },
    });
  }

  /** One more replica. Who is asked may ask as well. */
  async broker(over: Partial<Surroundings> = {}): Promise<SlackBroker> {
    const server = { port: await freePort(0), ...over.server };
    const { config } = await this.lab.config({ ...this.surroundings, ...over, server });
    const roles = { ...config.identity.roles, requester: ['oncall', 'payments-leads'] };
    const broker = await startBroker({ ...config, identity: { ...config.identity, roles } });
    if (isStartRefusal(broker)) throw new Error(broker.refused);
    const full = { ...broker, slack: new SignedPosts(broker.url, SIGNING_SECRET) };
    this.brokers.push(full);
    return full;
  }

  as(person: PersonKey, broker: Broker): Promise<ApiClient> {
    return this.lab.as(person, broker);
  }

  /** A Pod of its own that runs. */
  async pod(namespace = 'payments'): Promise<string> {
    const { cluster } = this.lab.sandbox;
    const name = uniqueName('web');
    cluster.addPod({ namespace, name });
    await cluster.untilPod(namespace, name, (it) => it?.status.phase === 'Running');
    return name;
  }

  /** Ties an account in Slack to a person, by the link that it is shown. */
  async tie(broker: SlackBroker, name: SlackName, person: PersonKey): Promise<void> {
    const code = new URL(await this.linkFor(broker, name)).searchParams.get('code');
    const tied = await (
      await this.as(person, broker)
    ).call('POST', '/v1/me/slack-links', { body: { code } });
    if (tied.status !== 201) throw new Error(JSON.stringify(tied));
  }

  /** The link that somebody is shown who types `/debug` and is tied to nobody. */
  async linkFor(broker: SlackBroker, name: SlackName): Promise<string> {
    const form = await this.command(broker, name, '');
    const [, link] = /<([^|>]+\/link\/slack\?code=[^|>]+)\|/.exec(form.text) ?? [];
    if (link === undefined) throw new Error(`no link in ${form.text}`);
    return link;
  }

  /** `/debug`, and what its modal shows in the end. */
  async command(broker: SlackBroker, name: SlackName, text: string) {
    const before = this.slack.count('views.update');
    const user = this.places[name];
    const trigger = this.trigger(name);
    const { status } = await broker.slack.post(commandBody(user, { text, trigger }));
    expect(status).toBe(200);
    await vi.waitFor(() => expect(this.slack.count('views.update')).toBeGreaterThan(before), SOON);
    const { fields } = this.slack.calls.findLast(({ method }) => method === 'views.update') ?? {};
    return { viewId: fields?.get('view_id') ?? '', text: fields?.get('view') ?? '' };
  }

  /** The form as it was filled in and sent. Gives what takes its place: the answer, or what comes after it. */
  async submit(
    broker: SlackBroker,
    name: SlackName,
    form: {
      readonly viewId: string;
      readonly callback?: string;
      readonly metadata?: string;
      readonly fields: Readonly<Record<string, string>>;
    },
  ) {
    const view = {
      id: form.viewId,
      type: 'modal',
      callback_id: form.callback ?? DEBUG_FORM,
      private_metadata: form.metadata ?? '',
      state: { values: formValues(form.fields) },
    };
    const later = () =>
      this.slack.calls.filter(
        ({ method, fields }) => method === 'views.update' && fields.get('view_id') === form.viewId,
      );
    const before = later().length;
    const answer = await this.interact(broker, name, { type: 'view_submission', view });
    // What takes longer than Slack waits for, as on a busy machine.
    if (!JSON.stringify(answer.body).includes('One moment.')) return answer;
    await vi.waitFor(() => expect(later().length).toBeGreaterThan(before), SOON);
    const body: unknown = JSON.parse(later().at(-1)?.fields.get('view') ?? 'null');
    return { ...answer, body };
  }

  /** Presses a button as a message has it. */
  async press(
    broker: SlackBroker,
    name: SlackName,
    button: keyof typeof BUTTONS,
    message: LabMessage,
  ): Promise<void> {
    const value = valueOf(button, message);
    const action = { type: 'button', action_id: BUTTONS[button], block_id: 'b', value };
    const channel = { id: this.places.approvals };
    await this.interact(broker, name, { type: 'block_actions', channel, actions: [action] });
  }

  /** Asks for a session on this Pod by the form, for its id. */
  async ask(
    broker: SlackBroker,
    name: SlackName,
    pod: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { viewId } = await this.command(broker, name, '');
    const answer = await this.submit(broker, name, {
      viewId,
      fields: {
        namespace: 'payments',
        target: `Pod/${pod}`,
        profile: 'shell',
        duration: '2m',
        reason: 'The pool is exhausted',
        ...fields,
      },
    });
    const id = /\/sessions\/([0-9a-z]+)/.exec(JSON.stringify(answer.body))?.[1];
    if (id === undefined) throw new Error(`no session in ${JSON.stringify(answer)}`);
    return id;
  }

  /** The messages about a session in a channel, or in somebody's own conversation with the app. */
  async about(id: string, place: SlackPlaceName): Promise<LabMessage[]> {
    const messages = await this.slack.messages(await this.channelOf(place));
    return messages.filter((message) => JSON.stringify(message).includes(id));
  }

  /** The one message about a session there, once it says this. */
  async says(
    id: string,
    place: SlackPlaceName,
    words: string,
    patience = SOON,
  ): Promise<LabMessage> {
    await expect
      .poll(async () => JSON.stringify(await this.about(id, place)), patience)
      .toContain(words);
    const [message, ...more] = await this.about(id, place);
    if (!message || more.length > 0) throw new Error(`${more.length + 1} messages about ${id}`);
    return message;
  }

  /** What stands under a message there. */
  async under(place: SlackPlaceName, { ts }: LabMessage): Promise<string[]> {
    const said = await this.slack.thread(await this.channelOf(place), ts);
    return said.map(({ text }) => text);
  }

  /** What only who pressed was told. */
  told(): string[] {
    return this.slack.calls
      .filter(({ method }) => method === 'chat.postEphemeral')
      .map(({ fields }) => fields.get('blocks') ?? '');
  }

  async until(broker: Broker, id: string, state: SessionDetails['state']) {
    return (await this.as('requester', broker)).until(id, [state]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
    await this.lab[Symbol.asyncDispose]();
    await this.slack.close();
  }

  private async interact(broker: SlackBroker, name: SlackName, payload: object) {
    const trigger = this.trigger(name);
    const answer = await broker.slack.post(interactionBody(this.places[name], trigger, payload));
    expect(answer.status).toBe(200);
    return answer;
  }

  private trigger(name: SlackName): string {
    return this.slack.trigger(this.places[name]);
  }

  private async channelOf(place: SlackPlaceName): Promise<string> {
    if (place === 'approvals' || place === 'security') return this.places[place];
    const dm = await this.slack.api().openDm(this.places[place]);
    if ('refused' in dm) throw new Error(JSON.stringify(dm));
    return dm.channel;
  }
}

const Actions = z.object({
  elements: z.array(z.object({ action_id: z.string(), value: z.string().default('') })),
});

/** What a button of a message says when it is pressed. */
export function valueOf(button: keyof typeof BUTTONS, { blocks }: LabMessage): string {
  const found = blocks
    .filter(({ type }) => type === 'actions')
    .flatMap((block) => Actions.parse(block).elements)
    .find(({ action_id }) => action_id === BUTTONS[button]);
  if (!found) throw new Error(`no button ${button} in ${JSON.stringify(blocks)}`);
  return found.value;
}

/** Those who are on call and those who lead may ask; one who leads has to agree, in Slack as well. */
async function policiesFor(folder: string, channel: string): Promise<string> {
  const made = await mkdtemp(join(folder, 'policies-'));
  await cp('sandbox/policies/profiles.yaml', join(made, 'profiles.yaml'));
  const access = {
    apiVersion: 'hallpass/v1',
    kind: 'AccessPolicy',
    metadata: { name: uniqueName('payments') },
    spec: {
      effect: 'allow',
      match: { groups: ['oncall', 'payments-leads'], namespaces: ['payments'] },
      terms: {
        longest: '30m',
        approvals: { require: [{ groups: ['payments-leads'] }] },
        extension: { times: 1, longest: '10m' },
        breakGlass: {
          signIn: { maxAge: '1h' },
          review: { within: '1h', groups: ['payments-leads'] },
        },
        slack: { channels: [channel], consent: 'counts' },
      },
    },
  };
  await writeFile(join(made, 'access.yaml'), stringify(access));
  return made;
}
