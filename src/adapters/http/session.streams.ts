import type { OnModuleDestroy } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { personOf } from '../../app/caller.js';
import { Clock } from '../../app/ports/clock.js';
import { Journal } from '../../app/ports/journal.js';
import { SessionNews } from '../../app/ports/session.news.js';
import { ReadSession } from '../../app/read-session.js';
import { stepView } from '../../app/views/session.view.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, problem } from '../../domain/problem.js';
import { isFinal } from '../../domain/session/session.machine.js';
import type { Session } from '../../domain/session/session.js';
import { EventStream } from './event.stream.js';
import { HttpSettings } from './http.settings.js';

const TIMER_MILLISECONDS_MAX = 2_147_483_647;
const BUSY_RETRY_SECONDS = 30;

/** What a stream is of and for whom. */
export interface Watch {
  readonly caller: Caller;
  readonly session: Session;
  /** The last step that the client has (Last-Event-ID); 0: none. */
  readonly after: number;
  /** When the caller's token expires: nobody watches longer than they may ask. */
  readonly until: Date;
}

/** The open streams of this replica: the past of a session, then what happens, until its end. */
@Injectable()
export class SessionStreams implements OnModuleDestroy {
  private readonly open = new Map<EventStream, string>();
  private stopping = false;

  constructor(
    private readonly reading: ReadSession,
    private readonly news: SessionNews,
    private readonly clock: Clock,
    private readonly journal: Journal,
    private readonly settings: HttpSettings,
  ) {}

  /** The number of streams that are open, for people and for tests. */
  get count(): number {
    return this.open.size;
  }

  /** Refuses a stream beyond the bounds; undefined where there is room for one. */
  refusal(caller: Caller): Problem | undefined {
    const { perPersonMax, totalMax } = this.settings.streams;
    const key = keyOf(caller);
    const mine = [...this.open.values()].filter((person) => person === key).length;
    if (mine < perPersonMax && this.open.size < totalMax) return undefined;
    const detail =
      mine < perPersonMax
        ? 'Too many streams of events are open here.'
        : `You have ${perPersonMax} streams of events open, and no more are allowed: close one.`;
    return problem('too-many-requests', detail, { retryAfterSeconds: BUSY_RETRY_SECONDS });
  }

  /** Turns the reply into the stream. Comes back when the stream has ended, for whatever reason; never throws. */
  async run(reply: FastifyReply, watch: Watch): Promise<void> {
    const stream = new EventStream(reply.raw, this.settings.streams.stalledSeconds);
    this.open.set(stream, keyOf(watch.caller));
    const leftMilliseconds = Math.max(0, watch.until.getTime() - this.clock.now().getTime());
    const expiry = setTimeout(
      () => stream.close('token-expired'),
      Math.min(leftMilliseconds, TIMER_MILLISECONDS_MAX),
    );
    const heart = setInterval(
      () => stream.heartbeat(),
      this.settings.streams.heartbeatSeconds * 1000,
    );
    const unsubscribe = this.news.subscribe((id) => {
      if (id === watch.session.id) stream.ring();
    });
    if (this.stopping) stream.close('shutdown');
    try {
      stream.open(reply.getHeaders());
      await this.follow(stream, watch);
    } catch (error) {
      // The client comes back by itself, with the last event it has.
      this.journal.warn({ err: error, session: watch.session.id }, 'a stream of events was cut');
    } finally {
      unsubscribe();
      clearTimeout(expiry);
      clearInterval(heart);
      stream.end();
      this.open.delete(stream);
    }
  }

  onModuleDestroy(): void {
    this.stopping = true;
    for (const stream of this.open.keys()) stream.close('shutdown');
  }

  private async follow(stream: EventStream, { caller, session, after }: Watch): Promise<void> {
    for (let seen = after; !stream.signal.aborted;) {
      const steps = await this.reading.steps(caller, session, seen);
      if (isProblem(steps)) return;
      for (const step of steps) {
        if (stream.signal.aborted) return;
        await stream.send({ type: 'step', id: step.seq, data: stepView(session, step) });
        seen = step.seq;
        if (isFinal(step.to)) return stream.close('final');
      }
      // Does not wait where news came meanwhile.
      await stream.wait(this.settings.streams.lookSeconds);
    }
  }
}

function keyOf(caller: Caller): string {
  const { iss, sub } = personOf(caller);
  return JSON.stringify([iss, sub]);
}
