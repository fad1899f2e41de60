import type { IncidentNews } from '../../contract/news.schema.js';

/** What is wrong at this moment, as far as others were told of it. */
export abstract class Incidents {
  /** Notes that it is wrong, with the news of it. @returns false where that was known: then nothing is written. */
  abstract begin(news: IncidentNews, sessionId: string | null): Promise<boolean>;
  /** Notes that it is wrong no more, with the news of it. @returns false where it was not known to be wrong. */
  abstract end(news: IncidentNews): Promise<boolean>;
}
