import type { KubeName } from '../../app/ports/kube.names.js';
import { KubeNames } from '../../app/ports/kube.names.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';

/** More terminals than that of one session are entered by newer names. */
const PER_SESSION_MAX = 20;

interface Row extends Omit<KubeName, 'session'> {
  readonly session: string;
}

/** kubectl's names of sessions in PostgreSQL. */
export class PrismaKubeNames extends KubeNames {
  constructor(private readonly database: Database) {
    super();
  }

  async add({ session, name, command, stdin, tty, at }: KubeName): Promise<void> {
    await this.database.prisma.$executeRaw`
      INSERT INTO kube_names (session_id, name, command, stdin, tty, at)
      VALUES (${session}, ${name}, ${JSON.stringify(command)}::jsonb, ${stdin}, ${tty}, ${at}::timestamptz)
      ON CONFLICT (session_id, name) DO NOTHING`;
  }

  async of(sessions: readonly SessionId[]): Promise<KubeName[]> {
    if (sessions.length === 0) return [];
    const rows = await this.database.prisma.$queryRaw<Row[]>`
      SELECT session_id AS session, name, nullif(command, 'null'::jsonb) AS command, stdin, tty, at
      FROM (
        SELECT *, row_number() OVER (PARTITION BY session_id ORDER BY at DESC, name) AS newest
        FROM kube_names WHERE session_id = ANY(${[...sessions]}::text[])
      ) n
      WHERE newest <= ${PER_SESSION_MAX} ORDER BY at, name`;
    return rows.map((row) => ({ ...row, session: row.session as SessionId }));
  }
}
