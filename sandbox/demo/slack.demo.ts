import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { Surroundings } from '../broker/broker.config.js';
import { freePort } from '../free.port.js';
import { PEOPLE } from '../identity/people.js';
import type { Sandbox } from '../sandbox.js';
import { SlackHand } from '../slack/slack.hand.js';
import { SlackPage } from '../slack/slack.page.js';
import { writeSlackPolicies } from '../slack/slack.policies.js';
import { BOT_TOKEN, SlackWorkspace, TEAM_ID } from '../slack/slack.workspace.js';
import { SlackStory } from './play.slack.js';
import { bold, dim, say } from './screen.js';

const CHANNELS = ['approvals', 'security'];
const SHOWN = {
  people: Object.values(PEOPLE),
  channels: CHANNELS.map((name) => `#${name}`),
  direct: [PEOPLE.requester, PEOPLE.approver],
};
/** So long does the story wait for somebody to open the page, where anybody may. */
const OPENED_MS_MAX = 20_000;
const PAUSE_MS = 2_500;

/** A workspace beside the sandbox, before the broker is there. */
export class SlackDemo {
  private constructor(
    private readonly workspace: SlackWorkspace,
    private readonly secret: string,
    /** What the broker is told of it. */
    readonly told: Pick<Surroundings, 'slack' | 'policies' | 'sessions' | 'log'>,
  ) {}

  static async open({ folder }: Sandbox): Promise<SlackDemo> {
    const workspace = await SlackWorkspace.open(SHOWN.people, CHANNELS);
    const secret = randomBytes(16).toString('hex');
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    return new SlackDemo(workspace, secret, {
      // What would be in the log is on the page: the story is not to be parted by it.
      log: { level: 'error' },
      // Nobody's terminal has to move: so an extended session that is ended is over at once.
      sessions: { handOverSeconds: 1 },
      policies: await writeSlackPolicies(folder, workspace.id('#approvals')),
      slack: {
        teamId: TEAM_ID,
        mode: 'http',
        apiUrl: workspace.apiUrl,
        botTokenFile: await file('slack-bot-token', BOT_TOKEN),
        signingSecretFile: await file('slack-signing-secret', secret),
        securityChannel: workspace.id('#security'),
      },
    });
  }

  async close(): Promise<void> {
    await this.workspace.close();
  }

  /** The page, and who presses on it, for a broker at `url`. */
  async page(url: string): Promise<OpenedSlack> {
    const to = { eventsUrl: `${url}/slack/events`, signingSecret: this.secret };
    const hand = new SlackHand(this.workspace, to);
    const { workspace } = this;
    const page = await SlackPage.start({ workspace, hand, shown: SHOWN }, await freePort(8070));
    const isWatched = process.stdout.isTTY;
    const pauseMs = isWatched ? PAUSE_MS : 0;
    return { page, isWatched, story: new SlackStory({ workspace, hand, page, pauseMs }) };
  }
}

export interface OpenedSlack {
  readonly page: SlackPage;
  readonly story: SlackStory;
  /** Whether somebody sits at the screen: then there is time to look. */
  readonly isWatched: boolean;
}

/**
 * Tells the story, or with `hold` only makes everything ready for it. Gives whether it came to its end: what goes wrong
 * after `isLeft` is told nobody.
 */
export async function playSlack(
  opened: OpenedSlack,
  { hold, isLeft }: { readonly hold: boolean; readonly isLeft: () => boolean },
): Promise<boolean> {
  const { page } = opened;
  say(`  ${bold('Open this page')}     ${bold(page.url)}`);
  say(dim('                     the channels as people see them; be whoever you like there'), '');
  try {
    await play(opened, hold);
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (isLeft()) return false;
    say('', bold(`The story could not be told to its end: ${error.message}`));
    page.tell(`The story could not be told to its end: ${error.message}`);
    return false;
  }
}

async function play({ page, story, isWatched }: OpenedSlack, hold: boolean): Promise<void> {
  await story.tieAccounts();
  if (hold) {
    const sentence =
      'Nothing is played: choose who you are, and type /debug payments/checkout 30m and why.';
    page.tell(sentence, PEOPLE.requester.sub);
    say(`  ${sentence}`);
    return;
  }
  if (isWatched) {
    say(dim('      it goes on once the page is open, or in 20 s'));
    await Promise.race([page.whenOpened(), after(OPENED_MS_MAX, undefined, { ref: false })]);
  }
  await story.play();
}

/** Lines for another terminal, to be in the container that Slack has granted. */
export function slackLines({ folder }: Sandbox, url: string): string[] {
  return [
    bold('To get in by the command line, in another terminal and in this folder'),
    '',
    dim('  # be robin on the page that it opens; the id of the session is on the card in Slack'),
    `  hallpass() { XDG_CONFIG_HOME=${folder} npm run --silent hallpass -- "$@"; }`,
    `  hallpass login --server ${url}`,
    '  hallpass connect ID',
  ];
}
