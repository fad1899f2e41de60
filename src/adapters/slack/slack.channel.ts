import { findPost } from '../../app/find-post.js';
import type { Notice, Told } from '../../app/ports/channel.js';
import { Channel, ChannelAway } from '../../app/ports/channel.js';
import type { SlackApi, SlackRefusal } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import { noticeContent } from './notice.blocks.js';

/** Slack's words for a message that it will never take. */
const REFUSALS: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
]);

/** Notices into a channel of Slack: each is looked for there before it is sent, so that it is there once. */
export class SlackChannel extends Channel {
  readonly kind = 'slack';
  readonly fingerprint: string;

  constructor(
    private readonly api: SlackApi,
    readonly name: string,
    private readonly channel: string,
  ) {
    super();
    this.fingerprint = channel;
  }

  /** The signal is not listened to: two calls of Slack's end by themselves soon enough. */
  override async tell({ body }: Notice): Promise<Told> {
    if (await this.isThere(body.id, body.at)) return 'taken';
    const place = await this.api.post({
      ...noticeContent(body),
      channel: this.channel,
      post: body.id,
    });
    if (!isSlackRefusal(place)) return 'taken';
    if (place.refused === 'no' && REFUSALS.has(place.word)) {
      return { refused: `Slack answered ${place.word}` };
    }
    throw away(place);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  /** False where Slack says that the app may not look. */
  private async isThere(id: string, at: string): Promise<boolean> {
    const { api, channel } = this;
    const found = await findPost(api, { channel, post: id, since: new Date(at) });
    if (!isSlackRefusal(found)) return found !== undefined;
    if (found.refused !== 'no') throw away(found);
    return false;
  }
}

function away(refusal: SlackRefusal): ChannelAway {
  switch (refusal.refused) {
    case 'busy':
      return new ChannelAway('Slack asks to be left alone', refusal.afterMs);
    case 'no':
      return new ChannelAway(`Slack says no: ${refusal.word}`);
    case 'unknown':
      return new ChannelAway(`Slack did not say what became of it: ${refusal.words}`);
  }
}
