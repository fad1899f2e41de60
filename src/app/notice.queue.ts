import type { Notice } from './enter-session.js';

/** Whoever does not read notices misses the oldest. */
const WAITING_MAX = 50;

/** Notices on their way to the one at the terminal. */
export class NoticeQueue implements AsyncIterable<Notice> {
  private readonly waiting: Notice[] = [];
  private isOver = false;
  private wake: () => void = () => undefined;

  push(notice: Notice): void {
    if (this.isOver) return;
    this.waiting.push(notice);
    if (this.waiting.length > WAITING_MAX) this.waiting.shift();
    this.wake();
  }

  end(): void {
    this.isOver = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Notice, void, undefined> {
    for (;;) {
      const notice = this.waiting.shift();
      if (notice) yield notice;
      else if (this.isOver) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
