import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import type { Clock } from './ports/clock.js';
import type { DeadLetters, PutBy } from './ports/dead.letters.js';
import type { SinkStanding, SinkStore } from './ports/sink.store.js';

/** A sink as the configuration has it. */
export interface NamedSink {
  readonly name: string;
  readonly kind: string;
  readonly format: string;
}

/** How the sinks of the log stand, what they refused, and having that delivered again, which is an event. */
export class TendSinks {
  constructor(
    private readonly deps: {
      readonly sinks: readonly NamedSink[];
      readonly cursors: Pick<SinkStore, 'standings'>;
      readonly letters: Pick<DeadLetters, 'list' | 'replay'>;
      readonly clock: Clock;
    },
  ) {}

  /** Those of the configuration, in its order. */
  async standing(): Promise<(NamedSink & SinkStanding)[]> {
    const { sinks, cursors } = this.deps;
    const standings = await cursors.standings(sinks.map(({ name }) => name));
    return sinks.flatMap((sink) => {
      const standing = standings.find(({ name }) => name === sink.name);
      return standing ? [{ ...standing, ...sink }] : [];
    });
  }

  /** What a sink refused and has not taken since, in the order of places. */
  async deadLetters(
    name: string,
    { limit, after }: { readonly limit: number; readonly after?: number },
  ): Promise<{ readonly letters: readonly PutBy[]; readonly more: boolean } | Problem> {
    if (!this.isSink(name)) return noSink();
    const letters = await this.deps.letters.list(name, {
      limit: limit + 1,
      ...(after === undefined ? {} : { after }),
    });
    return { letters: letters.slice(0, limit), more: letters.length > limit };
  }

  /**
   * Has all that a sink refused delivered again, by whichever replica delivers to it. Asked again meanwhile, nothing more
   * is done.
   *
   * @returns how many.
   */
  async replay(
    caller: Caller,
    name: string,
    why: { readonly reason: string; readonly ticket?: string },
  ): Promise<number | Problem> {
    if (!this.isSink(name)) return noSink();
    const at = this.deps.clock.now();
    return this.deps.letters.replay(name, (of) =>
      auditEntry({
        at,
        action: 'log.replayed',
        outcome: 'success',
        actor: caller.actor,
        data: { sink: name, ...of, reason: why.reason, ticket: why.ticket },
      }),
    );
  }

  private isSink(name: string): boolean {
    return this.deps.sinks.some((sink) => sink.name === name);
  }
}

function noSink(): Problem {
  return problem('not-found', 'The configuration has no sink of that name.');
}
