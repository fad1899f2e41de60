import { SlackButtons } from './adapters/slack/slack.buttons.js';
import { SlackCallers } from './adapters/slack/slack.callers.js';
import { SlackDesk } from './adapters/slack/slack.desk.js';
import { SlackDoor, socketReceiver } from './adapters/slack/slack.door.js';
import { SlackReceiver } from './adapters/slack/slack.receiver.js';
import { SlackSignature } from './adapters/slack/slack.signature.js';
import type { ActOnSession } from './app/act-on-session.js';
import type { DecideSession } from './app/decide-session.js';
import type { ExtendSession } from './app/extend-session.js';
import type { LinkSlack } from './app/link-slack.js';
import type { ListTargets } from './app/list-targets.js';
import { pause } from './app/pause.js';
import type { Clock } from './app/ports/clock.js';
import type { Clusters } from './app/ports/cluster.js';
import type { Journal } from './app/ports/journal.js';
import type { SessionStore } from './app/ports/session.store.js';
import type { SlackApi } from './app/ports/slack.api.js';
import type { SlackInbox } from './app/ports/slack.inbox.js';
import type { RequestSession } from './app/request-session.js';
import type { Config } from './config/config.schema.js';

const RETRY_MS = 10_000;

/** What comes from Slack, put together. */
export class SlackSide {
  /** Null: Slack does not post, but is listened to by a WebSocket. */
  readonly inbox: SlackInbox | null;
  private readonly door: SlackDoor;
  private readonly stopping = new AbortController();

  private constructor(
    { door, inbox }: { readonly door: SlackDoor; readonly inbox: SlackInbox | null },
    private readonly journal: Journal,
  ) {
    this.door = door;
    this.inbox = inbox;
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
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ): SlackSide | undefined {
    const { slack, slackSecrets } = config;
    const { api, linkSlack, clock, journal } = uses;
    if (!slack || !slackSecrets || !linkSlack || !api) return undefined;
    const url = slack.apiUrl === undefined ? {} : { url: slack.apiUrl };
    const publicUrl = config.server.publicUrl.replace(/\/$/, '');
    const callers = new SlackCallers({ api, people: linkSlack, publicUrl });
    const parts = { api, callers, journal, publicUrl };
    const desk = new SlackDesk({
      ...parts,
      targets: uses.listTargets,
      clusters: uses.clusters,
      asking: uses.requestSession,
      store: uses.store,
      defaultDurationSeconds: config.sessions.defaultDurationSeconds,
    });
    const buttons = new SlackButtons({
      ...parts,
      deciding: uses.decideSession,
      acting: uses.actOnSession,
      extending: uses.extendSession,
    });
    if (slackSecrets.door.mode === 'socket') {
      const receiver = socketReceiver({ appToken: slackSecrets.door.appToken, ...url });
      const door = new SlackDoor({ receiver, desk, buttons, journal });
      return new SlackSide({ door, inbox: null }, journal);
    }
    const signature = new SlackSignature(slackSecrets.door.signingSecret);
    const receiver = new SlackReceiver({ signature, clock, journal });
    const door = new SlackDoor({ receiver, desk, buttons, journal });
    return new SlackSide({ door, inbox: receiver }, journal);
  }

  /** Listens to Slack, as soon as it can be reached: sessions go on without it. */
  start(): void {
    void this.connect();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.door.stop().catch((error: unknown) => {
      this.journal.warn({ err: error }, 'the connection to Slack was not closed in order');
    });
  }

  private async connect(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.door.start();
        return;
      } catch (error) {
        this.journal.warn({ err: error }, 'Slack cannot be listened to yet');
        await pause(RETRY_MS, signal);
      }
    }
  }
}
