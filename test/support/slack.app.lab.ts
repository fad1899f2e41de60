import { createHmac } from 'node:crypto';
import type { Receiver } from '@slack/bolt';
import { z } from 'zod';
import { SlackButtons } from '../../src/adapters/slack/slack.buttons.js';
import { SlackCallers } from '../../src/adapters/slack/slack.callers.js';
import { SlackDesk } from '../../src/adapters/slack/slack.desk.js';
import { SlackDoor } from '../../src/adapters/slack/slack.door.js';
import { SlackReceiver } from '../../src/adapters/slack/slack.receiver.js';
import { SlackSignature } from '../../src/adapters/slack/slack.signature.js';
import { ActOnSession } from '../../src/app/act-on-session.js';
import type { Caller } from '../../src/app/caller.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { ExtendSession } from '../../src/app/extend-session.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { ListTargets } from '../../src/app/list-targets.js';
import { pause } from '../../src/app/pause.js';
import { NotePerson } from '../../src/app/note-person.js';
import { RequestSession } from '../../src/app/request-session.js';
import { Secret } from '../../src/config/secret.js';
import type { Person } from '../../src/domain/person.js';
import type { Approvals } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { problem } from '../../src/domain/problem.js';
import type { SlackUser } from '../../src/domain/slack-user.js';
import { whyNotServed } from '../../src/domain/slack-user.js';
import {
  FixedPolicies,
  HandClock,
  MemoryClusters,
  MemoryJournal,
  MemorySessionStore,
  NobodyOnCall,
  NoHistory,
} from './in-memory.ports.js';
import { MemoryTargets } from './in-memory.targets.js';
import { callerOf } from './consent.lab.js';
import { policyOf, setOf } from './policies.js';
import { BOUNDS, LIMITS } from './session.bounds.js';
import { SlackLab } from './slack.lab.js';

export const SIGNING_SECRET = 'signing-secret-of-the-lab';
/** No test waits for an answer that is not there in time: what is answered comes, on a busy machine as well. */
const ACK_MS = 30_000;
const PUBLIC_URL = 'https://hallpass.example.com';
const View = z.looseObject({ blocks: z.array(z.looseObject({ type: z.string() })).default([]) });

/** What Slack sends, to the real use cases on ports in memory, and what they say to a workspace over real HTTP. */
export class SlackAppLab {
  readonly clock = new HandClock(new Date('2026-03-04T10:00:00Z'));
  readonly store = new MemorySessionStore();
  readonly journal = new MemoryJournal();
  readonly clusters = new MemoryClusters();
  readonly targets = new MemoryTargets();
  /** For whom accounts speak, by their ids. */
  readonly tied = new Map<string, Person>();
  readonly receiver: SlackReceiver;
  /** Whether who somebody is, is never found out: the database does not answer. */
  isStuck = false;
  /** How long that takes. */
  lateMs = 0;
  private sent = 0;

  private constructor(
    readonly slack: SlackLab,
    private readonly approvals: Approvals,
  ) {
    const { clock, journal } = this;
    const signature = new SlackSignature(new Secret(SIGNING_SECRET));
    this.receiver = new SlackReceiver({ signature, clock, journal, ackMs: ACK_MS });
    this.door(this.receiver);
  }

  static async open(approvals: Approvals): Promise<SlackAppLab> {
    return new SlackAppLab(await SlackLab.open(), approvals);
  }

  async close(): Promise<void> {
    await this.slack.close();
  }

  /** Another door to the same sessions. */
  door(receiver: Receiver): SlackDoor {
    const { clock, store, journal, clusters } = this;
    const api = this.slack.api();
    const slack = { channels: [], consent: 'counts', profiles: ['*'] } as const;
    const terms = { approvals: this.approvals, slack };
    const policies = new FixedPolicies(setOf([policyOf('oncall', { terms })]));
    const facts = new GatherFacts({ history: new NoHistory(), onCall: new NobodyOnCall(), clock });
    const note = new NotePerson({ people: store.people, clock, journal });
    const callers = new SlackCallers({
      api,
      people: {
        callerOf: async (user, requestId) => {
          if (this.isStuck) return new Promise<never>(() => undefined);
          await pause(this.lateMs, new AbortController().signal);
          return this.callerOf(user, requestId);
        },
        offer: async () =>
          Promise.resolve({ path: '/link/slack?code=only-for-you', expiresAt: clock.now() }),
      },
      clock,
      publicUrl: PUBLIC_URL,
    });
    const rest = { api, callers, journal, publicUrl: PUBLIC_URL };
    const desk = new SlackDesk({
      ...rest,
      targets: new ListTargets({ clusters: this.targets, policies, facts }),
      clusters,
      asking: new RequestSession({ store, clusters, policies, facts, clock, limits: LIMITS }),
      store,
      defaultDurationSeconds: LIMITS.defaultDurationSeconds,
    });
    const buttons = new SlackButtons({
      ...rest,
      deciding: new DecideSession({ store, people: store.people, note, clock, bounds: BOUNDS }),
      acting: new ActOnSession({ store, clock, bounds: BOUNDS }),
      extending: new ExtendSession({
        store,
        clusters,
        policies,
        facts,
        clock,
        note,
        people: store.people,
        log: store.log,
        limits: LIMITS,
      }),
    });
    return new SlackDoor({ receiver, desk, buttons, journal });
  }

  /** A command as Slack posts it. */
  async command(user: string, text: string) {
    const trigger = this.trigger(user);
    const sent = { command: '/debug', user_id: user, team_id: 'T1', trigger_id: trigger, text };
    return this.post(new URLSearchParams(sent).toString());
  }

  /** An interaction as Slack posts it. */
  async interaction(user: string, payload: object) {
    const trigger = this.trigger(user);
    const full = { trigger_id: trigger, team: { id: 'T1' }, user: { id: user }, ...payload };
    return this.post(new URLSearchParams({ payload: JSON.stringify(full) }).toString());
  }

  async press(user: string, button: string, value: string) {
    return this.interaction(user, {
      type: 'block_actions',
      channel: { id: await this.slack.channel('approvals') },
      actions: [{ type: 'button', action_id: button, block_id: 'b', value }],
    });
  }

  async submit(
    user: string,
    args: { callback: string; id: string; values: object; metadata?: string },
  ) {
    return this.interaction(user, {
      type: 'view_submission',
      view: {
        id: args.id,
        type: 'modal',
        callback_id: args.callback,
        private_metadata: args.metadata ?? '',
        state: { values: args.values },
      },
    });
  }

  async post(body: string, more: { readonly secret?: string } = {}) {
    // Two requests of Slack's are never signed alike: what is in them differs.
    const text = `${body}&nonce=${(this.sent += 1)}`;
    const timestamp = String(Math.floor(this.clock.now().getTime() / 1000));
    const hmac = createHmac('sha256', more.secret ?? SIGNING_SECRET).update(
      `v0:${timestamp}:${text}`,
    );
    return this.receiver.take({
      timestamp,
      signature: `v0=${hmac.digest('hex')}`,
      requestId: `request-${this.sent}`,
      contentType: 'application/x-www-form-urlencoded',
      body: Buffer.from(text),
    });
  }

  /** The views that Slack was given by calls of `method`, oldest first. */
  views(method: 'views.open' | 'views.update'): z.infer<typeof View>[] {
    return this.slack.calls
      .filter((call) => call.method === method)
      .map(({ fields }) => View.parse(JSON.parse(fields.get('view') ?? '{}')));
  }

  /** The id of the view that was changed last. */
  lastUpdated(): string {
    const call = this.slack.calls.findLast(({ method }) => method === 'views.update');
    return call?.fields.get('view_id') ?? '';
  }

  /** What somebody alone was told in a channel. */
  told(): string[] {
    return this.slack.calls
      .filter(({ method }) => method === 'chat.postEphemeral')
      .map(({ fields }) => fields.get('blocks') ?? '');
  }

  trigger(user: string): string {
    return this.slack.trigger(user);
  }

  private callerOf(user: SlackUser, requestId?: string): Caller | Problem {
    const person = this.tied.get(user.userId);
    const refused = whyNotServed(user, user.teamId);
    if (refused) return refused;
    if (!person) return problem('slack-not-linked', 'Hallpass does not know who you are.');
    const caller = callerOf(person);
    const { teamId, userId } = user;
    const request = requestId === undefined ? {} : { requestId };
    const actor = { ...caller.actor, channel: 'slack', slack: { teamId, userId }, ...request };
    return { ...caller, actor: { ...actor, channel: 'slack' } };
  }
}

/** The fields of a form as Slack sends them. */
export function formValues(fields: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(fields).map(([block, text]) => [
      block,
      {
        [block]: ['target', 'profile', 'cluster'].includes(block)
          ? { type: 'external_select', selected_option: { value: text } }
          : { type: 'plain_text_input', value: text },
      },
    ]),
  );
}
