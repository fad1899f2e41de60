import { z } from 'zod';
import type { Activation, Proposed } from '../../app/ports/policy.archive.js';
import { PolicyArchive } from '../../app/ports/policy.archive.js';
import type { PolicyFile } from '../../domain/policy/policy.js';
import { invariant } from '../../domain/problem.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import type * as models from './generated/models.js';
import { POLICY_NEWS_CHANNEL } from './session.sql.js';
import { auditColumns } from './session.rows.js';

/** A set of 16 MiB has to travel. */
const TRANSACTION_MS_MAX = 30_000;

const stored = z.object({ files: z.array(z.object({ name: z.string(), text: z.string() })) });

/** Policy sets in PostgreSQL, where this role can add and read and nothing else. */
export class PrismaPolicyArchive extends PolicyArchive {
  constructor(private readonly database: Database) {
    super();
  }

  async inForce(): Promise<Activation | undefined> {
    const [newest] = await this.activations({ limit: 1 });
    return newest;
  }

  async files(hash: string): Promise<readonly PolicyFile[] | undefined> {
    const row = await this.database.prisma.policySet.findUnique({ where: { hash } });
    return row ? stored.parse(row.documents).files : undefined;
  }

  async propose(proposal: Parameters<PolicyArchive['propose']>[0]): Promise<Proposed> {
    return this.database.prisma.$transaction((tx) => proposeIn(tx, proposal), {
      timeout: TRANSACTION_MS_MAX,
      maxWait: TRANSACTION_MS_MAX,
    });
  }

  async refuse(content: string, audit: Parameters<PolicyArchive['refuse']>[1]): Promise<boolean> {
    const columns = JSON.stringify(auditColumns({ audit }));
    const [written] = await this.database.prisma.$queryRaw<{ audits: number }[]>`
      WITH r AS (
        INSERT INTO policy_refusals (content, audit_id, at) VALUES (${content}, ${audit.id}::uuid, ${audit.at}::timestamptz)
        ON CONFLICT (content) DO NOTHING RETURNING 1
      ),
      a AS (
        INSERT INTO audit_events
        SELECT j.* FROM r, jsonb_populate_record(NULL::audit_events, ${columns}::jsonb) j RETURNING 1
      )
      SELECT count(*)::int AS audits FROM a`;
    return written?.audits === 1;
  }

  async activations(args: {
    hash?: string;
    before?: number;
    limit: number;
  }): Promise<Activation[]> {
    const { hash, before, limit } = args;
    const rows = await this.database.prisma.$queryRaw<Row[]>(
      activationRows({
        where: Prisma.sql`(${hash ?? null}::text IS NULL OR a.hash = ${hash ?? null})
        AND (${before ?? null}::bigint IS NULL OR a.seq < ${before ?? null}::bigint)`,
        limit,
      }),
    );
    return rows.map(activationOf);
  }
}

type Row = models.PolicyActivationModel & { readonly until: Date | null };

function activationRows({ where, limit }: { where: Prisma.Sql; limit: number }): Prisma.Sql {
  return Prisma.sql`
    SELECT a.seq, a.hash, a.replica, a.at, (
      SELECT n.at FROM policy_activations n WHERE n.seq > a.seq ORDER BY n.seq LIMIT 1
    ) AS until
    FROM policy_activations a WHERE ${where} ORDER BY a.seq DESC LIMIT ${limit}::int`;
}

async function proposeIn(
  tx: Prisma.TransactionClient,
  { hash, files, since, replica, at, audit }: Parameters<PolicyArchive['propose']>[0],
): Promise<Proposed> {
  // One replica at a time, so that the numbers come in the order in which sets come into force.
  await tx.$queryRaw`SELECT count(pg_advisory_xact_lock(hashtextextended('hallpass policy activation', 0)))`;
  const newest = await newestIn(tx, Prisma.sql`TRUE`);
  if (newest?.hash === hash) return { outcome: 'in-force', of: newest, inForce: newest };
  const past = await newestIn(tx, Prisma.sql`a.hash = ${hash}`);
  if (newest && past && past.seq > since) {
    return { outcome: 'superseded', of: past, inForce: newest };
  }
  const documents = JSON.stringify({ files });
  const entry = JSON.stringify(auditColumns({ audit: audit(newest?.hash ?? null) }));
  await tx.$executeRaw`
    INSERT INTO policy_sets (hash, documents) VALUES (${hash}, ${documents}::jsonb) ON CONFLICT (hash) DO NOTHING`;
  const audits = await tx.$executeRaw`
    INSERT INTO audit_events SELECT j.* FROM jsonb_populate_record(NULL::audit_events, ${entry}::jsonb) j`;
  const [row] = await tx.$queryRaw<Row[]>`
    INSERT INTO policy_activations (hash, replica, at) VALUES (${hash}, ${replica}, ${at}::timestamptz)
    RETURNING seq, hash, replica, at, NULL::timestamptz AS until`;
  if (audits !== 1) throw new Error(`invariant broken: an activation wrote ${audits} audit events`);
  await tx.$queryRaw`SELECT count(pg_notify(${POLICY_NEWS_CHANNEL}, ${hash}))`;
  const activation = activationOf(invariant(row, 'an activation that was not written'));
  return { outcome: 'activated', of: activation, inForce: activation };
}

async function newestIn(
  tx: Prisma.TransactionClient,
  where: Prisma.Sql,
): Promise<Activation | undefined> {
  const [row] = await tx.$queryRaw<Row[]>(activationRows({ where, limit: 1 }));
  return row && activationOf(row);
}

function activationOf({ seq, hash, replica, at, until }: Row): Activation {
  return { seq: Number(seq), hash, replica, at, until };
}
