import { SlackButtons } from './adapters/slack/slack.buttons.js';
import { SlackCallers } from './adapters/slack/slack.callers.js';
import { SlackDesk } from './adapters/slack/slack.desk.js';
import { SlackDoor } from './adapters/slack/slack.door.js';
import { SlackReceiver } from './adapters/slack/slack.receiver.js';
import { SlackSignature } from './adapters/slack/slack.signature.js';
import { SlackSocket } from './adapters/slack/slack.socket.js';
import type { ActOnSession } from './app/act-on-session.js';
import type { DecideSession } from './app/decide-session.js';
import type { ExtendSession } from './app/extend-session.js';
import type { LinkSlack } from './app/link-slack.js';
import type { ListTargets } from './app/list-targets.js';
import type { Clock } from './app/ports/clock.js';
import type { Clusters } from './app/ports/cluster.js';
import type { Journal } from './app/ports/journal.js';
import type { SessionStore } from './app/ports/session.store.js';
import type { SlackApi } from './app/ports/slack.api.js';
import type { SlackInbox } from './app/ports/slack.inbox.js';
import type { Tracer } from './app/ports/tracer.js';
import type { RequestSession } from './app/request-session.js';
import type { Config } from './config/config.schema.js';

/** What comes from Slack, put together. */
export class SlackSide {
  /** Null: Slack does not post, but is listened to by a WebSocket. */
  readonly inbox: SlackInbox | null;
  private readonly door: SlackDoor;
  private readonly socket: SlackSocket | null;
  private readonly journal: Journal;

  private constructor(parts: {
    readonly door: SlackDoor;
    readonly inbox: SlackInbox | null;
    readonly socket: SlackSocket | null;
    readonly journal: Journal;
  }) {
    this.door = parts.door;
    this.inbox = parts.inbox;
    this.socket = parts.socket;
    this.journal = parts.journal;
  }

  /** Undefined where the configuration names no bot. */
  static of(
    config: Config,
    uses: {
      readonly api: SlackApi | undefined;
      readonly linkSlack: LinkSlack | null;
      readonly requestSession: RequestSession;
      readonly decideSession: DecideSession;
      readonly actOnSession: ActOnSession;
      readonly extendSession: ExtendSession;
      readonly listTargets: ListTargets;
      readonly clusters: Clusters;
      readonly store: SessionStore;
      /** Does what ends sessions so that it does not wait behind what asks for them. */
      readonly urgently: <T>(work: () => T) => T;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly tracer: Tracer;
    },
  ): SlackSide | undefined {
    const { slack, slackSecrets } = config;
    const { api, linkSlack, clock, journal, tracer, urgently } = uses;
    if (!slack || !slackSecrets || !linkSlack || !api) return undefined;
    const url = slack.apiUrl === undefined ? {} : { url: slack.apiUrl };
    const publicUrl = config.server.publicUrl.replace(/\/$/, '');
    const callers = new SlackCallers({ api, people: linkSlack, clock, publicUrl, tracer });
    const parts = { api, callers, journal, publicUrl };
    const desk = new SlackDesk({
      ...parts,
      targets: uses.listTargets,
      clusters: uses.clusters,
      asking: uses.requestSession,
      store: uses.store,
      defaultDurationSeconds: config.sessions.defaultDurationSeconds,
    });
    const pressed = new SlackButtons({
      ...parts,
      deciding: uses.decideSession,
      acting: uses.actOnSession,
      extending: uses.extendSession,
    });
    const buttons: Pick<SlackButtons, 'press' | 'submit'> = {
      press: (...args) => urgently(() => pressed.press(...args)),
      submit: (form, ...args) =>
        form === 'extend'
          ? pressed.submit(form, ...args)
          : urgently(() => pressed.submit(form, ...args)),
    };
    if (slackSecrets.door.mode === 'socket') {
      const socket = new SlackSocket({ appToken: slackSecrets.door.appToken, journal, ...url });
      const door = new SlackDoor({ receiver: socket, desk, buttons, journal, tracer });
      return new SlackSide({ door, inbox: null, socket, journal });
    }
    const signature = new SlackSignature(slackSecrets.door.signingSecret);
    const receiver = new SlackReceiver({ signature, clock, journal });
    const door = new SlackDoor({ receiver, desk, buttons, journal, tracer });
    return new SlackSide({ door, inbox: receiver, socket: null, journal });
  }

  /** Whether Slack can send to this replica now; null where it posts. */
  isConnected(): boolean | null {
    return this.socket?.isConnected ?? null;
  }

  /** Listens to Slack, as soon as it can be reached: sessions go on without it. */
  start(): void {
    this.door.start().catch((error: unknown) => {
      this.journal.error({ err: error }, 'Slack cannot be listened to');
    });
  }

  async stop(): Promise<void> {
    await this.door.stop().catch((error: unknown) => {
      this.journal.warn({ err: error }, 'the connection to Slack was not closed in order');
    });
  }
}
