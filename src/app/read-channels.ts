import type { ChannelView } from '../contract/channel.schema.js';
import type { Channel } from './ports/channel.js';
import type { NoticeStore } from './ports/notice.store.js';

/** How the channels are that people are told by. */
export class ReadChannels {
  constructor(
    private readonly deps: {
      readonly channels: readonly Pick<Channel, 'name' | 'kind'>[];
      readonly notices: Pick<NoticeStore, 'standings'>;
    },
  ) {}

  /** In the order of the configuration. */
  async read(): Promise<ChannelView[]> {
    const { channels, notices } = this.deps;
    const standings = await notices.standings(channels.map(({ name }) => name));
    return channels.flatMap(({ name, kind }) => {
      const standing = standings.find((it) => it.name === name);
      if (!standing) return [];
      const { waiting, oldestSeconds, dead, failingSince, lastError, disabledAt } = standing;
      return [
        {
          name,
          kind,
          state: disabledAt ? 'disabled' : failingSince ? 'failing' : 'up',
          waiting,
          oldestSeconds,
          dead,
          failingSince: failingSince?.toISOString() ?? null,
          lastError,
          deliveredAt: standing.deliveredAt?.toISOString() ?? null,
        },
      ];
    });
  }
}
