import { pause } from '../../app/pause.js';

/** So many names are waited for at once; of others each thing is taken for the last. */
const NAMES_MAX = 1_000;

/** Of things that come one after the other about one name, as somebody types, tells the last. */
export class LastOf {
  private readonly turns = new Map<string, symbol>();

  constructor(private readonly quietMs: number) {}

  /** @returns after a while, whether nothing about that name came after this. */
  async isLast(name: string): Promise<boolean> {
    const turn = Symbol(name);
    if (this.turns.size < NAMES_MAX || this.turns.has(name)) this.turns.set(name, turn);
    await pause(this.quietMs, new AbortController().signal);
    const last = this.turns.get(name) ?? turn;
    if (last !== turn) return false;
    this.turns.delete(name);
    return true;
  }
}
