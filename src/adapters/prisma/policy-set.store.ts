import type { PolicySet } from '../../domain/policy/policy.js';
import type { Database } from './database.js';

/** Keeps every policy set that was in force, so that each decision can show what it was made from, and says which is. */
export class PolicySetStore {
  constructor(private readonly database: Database) {}

  /** Stores the set's files under its hash; where they are there already, nothing happens. */
  async keep({ hash, files }: PolicySet): Promise<void> {
    const documents = JSON.stringify({ files });
    await this.database.prisma.$executeRaw`
      INSERT INTO policy_sets (hash, documents) VALUES (${hash}, ${documents}::jsonb) ON CONFLICT (hash) DO NOTHING`;
  }

  /** Puts a stored set in force for all replicas; where it is already, nothing happens. */
  async activate(hash: string, replica: string): Promise<void> {
    await this.database.prisma.$executeRaw`
      INSERT INTO policy_activations (hash, replica, at)
      SELECT ${hash}, ${replica}, now()
      WHERE ${hash} IS DISTINCT FROM (SELECT hash FROM policy_activations ORDER BY seq DESC LIMIT 1)`;
  }
}
