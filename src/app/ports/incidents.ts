import type { IncidentNews } from '../../contract/news.schema.js';

/** What is wrong at this moment, as far as others were told of it. */
export abstract class Incidents {
  /** Notes that it is wrong, with the news of it. @returns false where that was known: then nothing is written. */
  abstract begin(news: IncidentNews, sessionId: string | null): Promise<boolean>;
  /** Notes that it is wrong no more, with the news of it. @returns false where it was not known to be wrong. */
  abstract end(news: IncidentNews): Promise<boolean>;
  /** Notes that it is wrong still: for what {@link endUnseen} is asked about. */
  abstract keep(key: string): Promise<void>;
  /**
   * Notes that it is wrong no more for all whose key begins so, and of which no replica has said for so long that they
   * still are, with news of each as of {@link end}. @returns their keys.
   */
  abstract endUnseen(
    prefix: string,
    seconds: number,
    news: Omit<IncidentNews, 'incident'>,
  ): Promise<readonly string[]>;
}
