import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

/** So many questions of people may wait for one cluster. What starts and ends sessions there is not counted, nor kept. */
export const ASKING_MAX = 40;
const RETRY_SECONDS = 5;

/** Lets questions through to one cluster, as many as may wait for it at once. */
export class AskingLane {
  private waiting = 0;

  constructor(
    private readonly cluster: string,
    private readonly max = ASKING_MAX,
  ) {}

  async through<T>(question: () => Promise<T>): Promise<T | Problem> {
    if (this.waiting >= this.max) return this.full();
    this.waiting++;
    try {
      return await question();
    } finally {
      this.waiting--;
    }
  }

  private full(): Problem {
    return problem(
      'cluster-unavailable',
      `Cluster "${this.cluster}" answers slowly, and ${this.max} questions wait for it already. Sessions there go on, and end when they should. Ask again in a moment.`,
      { retryAfterSeconds: RETRY_SECONDS },
    );
  }
}
