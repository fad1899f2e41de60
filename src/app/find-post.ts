import type { SlackApi, SlackFound, SlackRefusal } from './ports/slack.api.js';
import { isSlackRefusal } from './ports/slack.api.js';

/** How far Slack's clock may be behind ours. */
const CLOCKS_MS = 300_000;
const SEARCHED = 200;

/**
 * Looks for a message of ours among the newest of a channel, or of the thread under `thread`.
 *
 * @param post what it was posted as.
 * @param since before which it was not posted, by our clock.
 * @returns undefined where it is not there.
 */
export async function findPost(
  api: Pick<SlackApi, 'history'>,
  {
    channel,
    thread,
    post,
    since,
  }: {
    readonly channel: string;
    readonly thread?: string | undefined;
    readonly post: string;
    readonly since: Date;
  },
): Promise<SlackFound | SlackRefusal | undefined> {
  const oldest = `${((since.getTime() - CLOCKS_MS) / 1000).toFixed(3)}000`;
  const under = thread === undefined ? {} : { thread };
  const found = await api.history({ channel, oldest, limit: SEARCHED, ...under });
  return isSlackRefusal(found) ? found : found.find((message) => message.post === post);
}
