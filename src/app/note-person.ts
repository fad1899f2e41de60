import type { Person } from '../domain/person.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import { People } from './ports/people.js';

/** What was written is written again after so long, though nothing changed: it says that they are still about. */
const AGAIN_MS = 60_000;
/** So many people are remembered as written; of the others it is written once too often. */
const REMEMBERED_MAX = 10_000;
/** So many are written beside the requests that they came with; others with one of their next requests. */
const PASSING_MAX = 4;

interface Note {
  readonly said: string;
  readonly issuedAt: number;
  readonly writtenAt: number;
}

/** Keeps what people's newest tokens say of them, once for many requests. */
export class NotePerson {
  private readonly notes = new Map<string, Note>();
  private readonly passing = new Set<string>();

  constructor(
    private readonly deps: {
      readonly people: People;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  /** When this is done it is kept what the caller's token said, or what a newer one did. */
  async note(caller: Caller): Promise<void> {
    const person = personOf(caller);
    const issuedAt = issuedAtOf(caller);
    if (this.isKept(person, issuedAt)) return;
    await this.deps.people.seen(person, new Date(issuedAt));
    const writtenAt = this.deps.clock.now().getTime();
    this.remember(keyOf(person), { said: JSON.stringify(person), issuedAt, writtenAt });
  }

  /** The same beside a request, which neither waits for it nor fails by it. */
  inPassing(caller: Caller): void {
    const person = personOf(caller);
    const key = keyOf(person);
    if (this.isKept(person, issuedAtOf(caller))) return;
    if (this.passing.has(key) || this.passing.size >= PASSING_MAX) return;
    this.passing.add(key);
    this.note(caller)
      .catch((error: unknown) =>
        this.deps.journal.warn({ err: error }, 'what a token said of a person was not kept'),
      )
      .finally(() => this.passing.delete(key));
  }

  private isKept(person: Person, issuedAt: number): boolean {
    const note = this.notes.get(keyOf(person));
    // A newer token is kept though it says the same: from then on those in between say nothing any more.
    if (!note || note.issuedAt < issuedAt) return false;
    if (note.issuedAt > issuedAt) return true;
    const isFresh = this.deps.clock.now().getTime() - note.writtenAt < AGAIN_MS;
    return isFresh && note.said === JSON.stringify(person);
  }

  private remember(key: string, note: Note): void {
    const known = this.notes.get(key);
    if (known && known.issuedAt > note.issuedAt) return;
    this.notes.delete(key);
    this.notes.set(key, note);
    const [oldest] = this.notes.keys();
    if (this.notes.size > REMEMBERED_MAX && oldest !== undefined) this.notes.delete(oldest);
  }
}

/** A token that does not say when it was issued is older than any that does. */
function issuedAtOf({ actor }: Caller): number {
  return (actor.signIn.issuedAt ?? 0) * 1000;
}

function keyOf({ iss, sub }: Person): string {
  return `${iss}\n${sub}`;
}
