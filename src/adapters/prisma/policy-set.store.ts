import type { PolicySet } from '../../domain/policy/policy.js';
import type { Database } from './database.js';

/** Keeps every policy set that was in force, so that each decision can show what it was made from. */
export class PolicySetStore {
  constructor(private readonly database: Database) {}

  /** Stores the set under its hash; where it is there already, nothing happens. */
  async keep(set: PolicySet): Promise<void> {
    const { hash, policies, profiles } = set;
    const documents = JSON.stringify({ policies, profiles });
    await this.database.prisma.$executeRaw`
      INSERT INTO policy_sets (hash, documents) VALUES (${hash}, ${documents}::jsonb) ON CONFLICT (hash) DO NOTHING`;
  }
}
