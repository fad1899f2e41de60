import { Journal } from '../../app/ports/journal.js';
import { Notifier } from '../../app/ports/outbox.js';
import type { News } from '../../app/ports/outbox.js';

/** Tells the program's own log: the channel that is always there. */
export class LogNotifier extends Notifier {
  constructor(private readonly journal: Journal) {
    super();
  }

  tell(news: News): Promise<void> {
    this.journal.info({ session: news.sessionId, seq: news.seq, news: news.payload }, 'news');
    return Promise.resolve();
  }
}
