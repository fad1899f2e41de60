import { Journal } from '../../app/ports/journal.js';
import { Notifier } from '../../app/ports/outbox.js';
import type { News } from '../../app/ports/outbox.js';
import { BrokenGlassNews } from '../../contract/news.schema.js';

/**
 * Tells the program's own log: the channel that is always there. Broken glass is a warning that says whom to tell;
 * `session` and `seq` tell a line that comes twice from a second one.
 */
export class LogNotifier extends Notifier {
  constructor(private readonly journal: Journal) {
    super();
  }

  tell({ topic, sessionId: session, seq, payload }: News): Promise<void> {
    const broken = BrokenGlassNews.safeParse(payload);
    if (broken.success) {
      this.journal.warn({ session, seq, ...broken.data.brokenGlass }, 'the glass was broken');
    } else if (topic === 'bypass') {
      this.journal.warn({ session, news: payload }, 'somebody went past the broker');
    } else {
      this.journal.info({ topic, session, seq, news: payload }, 'news');
    }
    return Promise.resolve();
  }
}
