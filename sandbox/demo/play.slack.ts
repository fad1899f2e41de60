import { setTimeout as after } from 'node:timers/promises';
import { PEOPLE } from '../identity/people.js';
import type { SlackHand } from '../slack/slack.hand.js';
import type { SlackPage } from '../slack/slack.page.js';
import type { SlackWorkspace } from '../slack/slack.workspace.js';
import { tieAccount } from '../slack/tie.account.js';
import { dim, say } from './screen.js';
import { SlackEyes } from './slack.eyes.js';

const ROBIN = PEOPLE.requester.sub;
const ALEX = PEOPLE.approver.sub;
/** Those whose accounts are tied from the start; others are offered the link. */
const TIED = [PEOPLE.requester, PEOPLE.approver, PEOPLE.secondApprover];
const LINK = /<(http[^|>]+\/link\/slack\?code=[\w-]+)\|/;

/** The story that is told in Slack, by what people would do there: nothing is done past it. */
export class SlackStory {
  private readonly eyes: SlackEyes;
  private step = 0;

  constructor(
    private readonly uses: {
      readonly workspace: SlackWorkspace;
      readonly hand: SlackHand;
      readonly page: SlackPage;
      /** For whoever looks on, between two steps. */
      readonly pauseMs: number;
    },
  ) {
    this.eyes = new SlackEyes(uses.workspace);
  }

  /** Everybody types `/debug` once and follows the link that they are offered, through sign-in. */
  async tieAccounts(): Promise<void> {
    const { hand } = this.uses;
    for (const person of TIED) {
      await hand.command(person.sub, '');
      const link = await this.eyes.until(
        `the link for ${person.sub}`,
        async () => LINK.exec(await this.eyes.form(person.sub, ''))?.[1],
      );
      await tieAccount(link, person);
      hand.close(person.sub);
    }
    this.tell(
      'Robin, Alex and Sam have tied their accounts: each by a link of their own, signed in once.',
    );
  }

  async play(): Promise<void> {
    await this.ask();
    await this.consent();
    await this.extend();
    await this.end();
    await this.breakGlass();
    this.tell(
      'That was the story. What Robin broke the glass for still runs: be Robin and end it, or be anybody, and ask.',
    );
  }

  private async ask(): Promise<void> {
    const { hand, workspace } = this.uses;
    this.tell(
      'Robin types: /debug payments/checkout 30m pool exhausted. The form opens at once, filled in.',
      ROBIN,
    );
    await this.pause();
    await hand.command(ROBIN, 'payments/checkout 30m pool exhausted');
    await this.eyes.form(ROBIN, 'hallpass_debug');
    await this.pause();
    await this.submit({ profile: 'shell', ticket: 'INC-4711' });
    this.tell(
      'Robin has sent it: the answer is in its place. #approvals has the request, and so has Alex alone.',
      ROBIN,
    );
    await this.eyes.button(workspace.id('#approvals'), 'hallpass_approve');
    await this.pause();
    hand.close(ROBIN);
  }

  private async consent(): Promise<void> {
    const { hand, workspace } = this.uses;
    this.tell(
      'Alex presses Approve in #approvals. Watch every message of the request change.',
      ALEX,
    );
    await this.pause();
    await hand.press(ALEX, await this.eyes.button(workspace.id('#approvals'), 'hallpass_approve'));
    await this.eyes.message(await workspace.dm(ROBIN), 'hallpass connect');
    await this.eyes.message(workspace.id('#approvals'), '*Running*');
    this.tell('It runs. Robin is told how to get in, and until when.', ROBIN);
    await this.pause();
  }

  private async extend(): Promise<void> {
    const { hand, workspace } = this.uses;
    const dm = await workspace.dm(ROBIN);
    this.tell('Robin needs longer, and presses Extend.', ROBIN);
    await hand.press(ROBIN, await this.eyes.button(dm, 'hallpass_extend'));
    await this.eyes.form(ROBIN, 'hallpass_extend_form');
    await this.pause();
    await hand.submit(ROBIN, { duration: '45m', comment: 'the pool fills up again' });
    await this.eyes.message(dm, 'extended 1×');
    hand.close(ROBIN);
    this.tell('It is extended: the messages say until when.', ROBIN);
    await this.pause();
  }

  private async end(): Promise<void> {
    const { hand, workspace } = this.uses;
    const dm = await workspace.dm(ROBIN);
    this.tell('Robin has seen enough, and presses End.', ROBIN);
    await this.pause();
    await hand.press(ROBIN, await this.eyes.button(dm, 'hallpass_end'));
    await this.eyes.message(dm, 'hallpass recording list');
    await this.eyes.message(workspace.id('#approvals'), '*Ended by its requester*');
    this.tell(
      'It has ended. The card says how, after how long, and where its recording is.',
      ROBIN,
    );
    await this.pause();
  }

  private async breakGlass(): Promise<void> {
    const { hand, workspace } = this.uses;
    this.tell('At night nobody answers: Robin asks again, and ticks "Break the glass".', ROBIN);
    await hand.command(ROBIN, 'payments/checkout 15m nobody answers, and nobody can pay');
    await this.eyes.form(ROBIN, 'hallpass_debug');
    await this.pause();
    await this.submit({ profile: 'shell', glass: 'break-glass' });
    await this.eyes.message(workspace.id('#security'), 'The glass was broken');
    this.tell(
      'Robin is let in at once, and #security hears of it, and of the review that is due.',
      ROBIN,
    );
    await this.pause();
    hand.close(ROBIN);
    await this.eyes.message(workspace.id('#security'), '*Running*');
  }

  /** Sends the form, with a profile from those that are offered. */
  private async submit(filled: Readonly<Record<string, string>>): Promise<void> {
    const { hand } = this.uses;
    const asked = { block: 'profile', typed: filled['profile'] ?? '' };
    const [offered] = await hand.suggest(ROBIN, asked);
    await hand.submit(ROBIN, { ...filled, profile: offered?.value ?? '' });
    await this.eyes.form(ROBIN, '');
  }

  private tell(sentence: string, by?: string): void {
    this.step += 1;
    say(`  ${dim(`${this.step}`.padStart(2))}  ${sentence}`);
    this.uses.page.tell(sentence, by);
  }

  private async pause(): Promise<void> {
    await after(this.uses.pauseMs, undefined, { ref: false });
  }
}
