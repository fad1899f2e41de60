import type { AuditLog } from '../../src/app/ports/audit.log.js';
import type { Notice, Told } from '../../src/app/ports/channel.js';
import { Channel } from '../../src/app/ports/channel.js';
import type { Clock } from '../../src/app/ports/clock.js';
import type { ChannelStanding } from '../../src/app/ports/notice.store.js';
import { ReadChannels } from '../../src/app/read-channels.js';
import { TestChannel } from '../../src/app/test-channel.js';

/** A channel that keeps what it takes, and answers as it is told to. */
export class BoxChannel extends Channel {
  readonly kind = 'box';
  fingerprint = 'a box';
  readonly taken: Notice[] = [];
  /** How often it was told anything at all. */
  tries = 0;
  answer: (notice: Notice) => Told | Promise<Told> = () => 'taken';

  constructor(readonly name = 'box') {
    super();
  }

  override async tell(notice: Notice): Promise<Told> {
    this.tries += 1;
    const told = await this.answer(notice);
    if (told === 'taken') this.taken.push(notice);
    return told;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Reads and tests channels for which nothing waits. */
export function channelDesk(
  channels: readonly Channel[],
  { log, clock }: { readonly log: AuditLog; readonly clock: Clock },
): { readChannels: ReadChannels; testChannel: TestChannel } {
  const still = (name: string): ChannelStanding => ({
    name,
    waiting: 0,
    oldestSeconds: 0,
    dead: 0,
    failingSince: null,
    lastError: null,
    disabledAt: null,
    deliveredAt: null,
  });
  const notices = {
    standings: (names: readonly string[]) => Promise.resolve(names.map(still)),
  };
  return {
    readChannels: new ReadChannels({ channels, notices }),
    testChannel: new TestChannel({ channels, log, clock }),
  };
}
