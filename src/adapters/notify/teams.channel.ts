import type { Notice, Told } from '../../app/ports/channel.js';
import { Channel } from '../../app/ports/channel.js';
import type { ChannelOf } from '../../config/notifications.section.js';
import { away, GuardedPost, isTaken } from './guarded.post.js';
import { cardMessage } from './templates/notice.card.js';

const REFUSALS: ReadonlySet<number> = new Set([400, 413]);
const GONE = 410;

/** Adaptive Cards into a channel of Microsoft Teams, by a workflow that takes them at an address. */
export class TeamsChannel extends Channel {
  readonly kind = 'teams';
  readonly name: string;
  readonly fingerprint: string;
  private readonly http: GuardedPost;

  constructor(config: ChannelOf<'teams'>) {
    super();
    this.name = config.name;
    this.fingerprint = config.fingerprint;
    this.http = new GuardedPost(() => config.workflowUrl.reveal(), config);
  }

  override async tell({ body }: Notice, signal: AbortSignal): Promise<Told> {
    const answer = await this.http.post(cardMessage(body), {}, signal);
    if (isTaken(answer)) return 'taken';
    if (answer.status === GONE) return { gone: 'Teams answered 410: the workflow is gone' };
    if (REFUSALS.has(answer.status)) return { refused: `Teams answered ${answer.status}` };
    return away(answer);
  }

  override close(): Promise<void> {
    return this.http.close();
  }
}
