import type { FileAnchor } from '../../src/adapters/anchors/file.anchor.js';
import { Anchor } from '../../src/app/ports/anchor.js';
import type { SignedHead } from '../../src/app/ports/log.store.js';

/** One that does not answer while it is away. */
export class AwayAnchor extends Anchor {
  readonly everySeconds = 60;
  isAway = true;
  /** The sizes of checkpoints that were read. */
  readonly asked: number[] = [];

  constructor(
    readonly name: string,
    private readonly inner: FileAnchor,
  ) {
    super();
  }

  override async begin(): Promise<void> {
    this.answer();
    await this.inner.begin();
  }

  async put(head: SignedHead): Promise<void> {
    this.answer();
    await this.inner.put(head);
  }

  async sizes(origin: string): Promise<readonly number[]> {
    this.answer();
    return this.inner.sizes(origin);
  }

  async noteOf(origin: string, size: number): Promise<string | undefined> {
    this.answer();
    this.asked.push(size);
    return this.inner.noteOf(origin, size);
  }

  private answer(): void {
    if (this.isAway) throw new Error('does not answer');
  }
}
