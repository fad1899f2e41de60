import type { KubeToken } from '../../app/ports/kube.tokens.js';
import { KubeTokens } from '../../app/ports/kube.tokens.js';
import type { Person, SignIn } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';

/** More than anybody needs of one session; the oldest go first. */
const PER_SESSION_MAX = 10;

interface Row {
  readonly session: string;
  readonly person: Person;
  readonly signIn: SignIn;
  readonly at: Date;
}

/** Tokens of sessions in PostgreSQL. */
export class PrismaKubeTokens extends KubeTokens {
  constructor(private readonly database: Database) {
    super();
  }

  async add({ hash, session, person, signIn, at }: KubeToken): Promise<void> {
    const { prisma } = this.database;
    await prisma.$executeRaw`
      INSERT INTO kube_tokens (hash, session_id, person, sign_in, at)
      VALUES (${Buffer.from(hash)}, ${session}, ${JSON.stringify(person)}::jsonb,
        ${JSON.stringify(signIn)}::jsonb, ${at}::timestamptz)`;
    await prisma.$executeRaw`
      DELETE FROM kube_tokens WHERE hash IN (
        SELECT hash FROM kube_tokens WHERE session_id = ${session}
        ORDER BY at DESC, hash OFFSET ${PER_SESSION_MAX}
      ) OR session_id IN (
        SELECT t.session_id FROM kube_tokens t JOIN sessions s ON s.id = t.session_id
        WHERE s.state IN ('denied', 'ended')
          AND coalesce(s.ended_at, s.updated_at) < ${at}::timestamptz - interval '1 day' LIMIT 100
      )`;
  }

  async find(hash: Uint8Array): Promise<KubeToken | undefined> {
    const [row] = await this.database.prisma.$queryRaw<Row[]>`
      SELECT t.session_id AS session, coalesce(p.person, t.person) AS person, t.sign_in AS "signIn", t.at
      FROM kube_tokens t
      LEFT JOIN people p ON p.iss = t.person->>'iss' AND p.sub = t.person->>'sub'
      WHERE t.hash = ${Buffer.from(hash)}`;
    return row && { ...row, hash, session: row.session as SessionId };
  }
}
