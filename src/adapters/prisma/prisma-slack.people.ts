import { SlackPeople } from '../../app/ports/slack.people.js';
import { namesOf } from '../../domain/person.js';
import type { Database } from './database.js';

/** The Slack accounts of one workspace, by the links that hold. */
export class PrismaSlackPeople extends SlackPeople {
  constructor(
    private readonly database: Database,
    private readonly teamId: string,
  ) {
    super();
  }

  /** The newest where somebody has several. */
  override async userOf({ iss, sub }: Parameters<SlackPeople['userOf']>[0]) {
    const [found] = await this.database.prisma.$queryRaw<{ user: string }[]>`
      SELECT user_id AS "user" FROM slack_links
      WHERE team_id = ${this.teamId} AND iss = ${iss} AND sub = ${sub} AND unlinked_at IS NULL
      ORDER BY linked_at DESC, id LIMIT 1`;
    return found?.user;
  }

  override async usersNamed(names: readonly string[]): Promise<readonly string[]> {
    if (names.length === 0) return [];
    const found = await this.database.prisma.$queryRaw<
      { iss: string; sub: string; user: string }[]
    >`
      SELECT DISTINCT ON (iss, sub) iss, sub, user_id AS "user" FROM slack_links
      WHERE team_id = ${this.teamId} AND unlinked_at IS NULL
        AND (sub = ANY(${[...names]}::text[]) OR iss || '|' || sub = ANY(${[...names]}::text[]))
      ORDER BY iss, sub, linked_at DESC, id`;
    return found
      .filter((account) => namesOf(account).some((name) => names.includes(name)))
      .map(({ user }) => user);
  }
}
