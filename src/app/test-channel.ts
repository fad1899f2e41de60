import type { ChannelTest } from '../contract/channel.schema.js';
import { auditEntry } from '../domain/audit/entry.js';
import { noticeRow } from '../domain/notice/notice.kinds.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Channel, Notice, Told } from './ports/channel.js';
import { ChannelAway, TELLING_MS_MAX } from './ports/channel.js';
import type { Clock } from './ports/clock.js';

/** Tells a channel at once that this is a test, past what waits for it. It is an event, written before. */
export class TestChannel {
  constructor(
    private readonly deps: {
      readonly channels: readonly Channel[];
      readonly log: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /** @returns what became of it; `not-found` where there is no such channel. */
  async test(caller: Caller, name: string): Promise<ChannelTest | Problem> {
    const { channels, log, clock } = this.deps;
    const channel = channels.find((it) => it.name === name);
    if (!channel) return problem('not-found', 'There is no channel of this name.');
    const at = clock.now();
    const entry = auditEntry({
      at,
      action: 'channel.tested',
      outcome: 'success',
      actor: caller.actor,
      data: { channel: name },
    });
    await log.append(entry);
    return outcomeOf(await told(channel, testNotice(entry.id, at)));
  }
}

async function told(channel: Channel, notice: Notice): Promise<Told | ChannelAway> {
  try {
    return await channel.tell(notice, AbortSignal.timeout(TELLING_MS_MAX));
  } catch (error) {
    if (error instanceof ChannelAway) return error;
    throw error;
  }
}

function outcomeOf(it: Told | ChannelAway): ChannelTest {
  if (it === 'taken') return { outcome: 'taken', detail: null };
  if (it instanceof ChannelAway) return { outcome: 'away', detail: it.words };
  return 'refused' in it
    ? { outcome: 'refused', detail: it.refused }
    : { outcome: 'gone', detail: it.gone };
}

function testNotice(id: string, at: Date): Notice {
  return {
    id: 0n,
    kind: 'test',
    thread: `test-${id}`,
    // A channel that keeps alarms is to show that it can raise one; it closes it itself.
    alarm: `test-${id}`,
    closes: [],
    body: {
      id: `test_${id}`,
      kind: 'test',
      ...rowOf(),
      at: at.toISOString(),
      cluster: null,
      namespace: null,
      session: null,
      details: {},
      url: null,
    },
  };
}

function rowOf() {
  const { urgency, title, sentence } = noticeRow('test');
  return { urgency, title, sentence };
}
