import { activatedEntry } from '../../src/app/policy-entries.js';
import type { Activation, Proposed } from '../../src/app/ports/policy.archive.js';
import { PolicyArchive } from '../../src/app/ports/policy.archive.js';
import type { PolicyFile, PolicySet } from '../../src/domain/policy/policy.js';

/** Policy sets in memory, under the same contract as those in the database, but for the audit log. */
export class MemoryPolicyArchive extends PolicyArchive {
  private readonly texts = new Map<string, readonly PolicyFile[]>();
  private readonly times: Activation[] = [];

  async inForce(): Promise<Activation | undefined> {
    return this.times.at(-1);
  }

  async files(hash: string): Promise<readonly PolicyFile[] | undefined> {
    return this.texts.get(hash);
  }

  async propose(proposal: Parameters<PolicyArchive['propose']>[0]): Promise<Proposed> {
    const { hash, files, since, replica, at } = proposal;
    const inForce = this.times.at(-1);
    if (inForce?.hash === hash) return { outcome: 'in-force', of: inForce, inForce };
    const past = this.times.findLast((it) => it.hash === hash);
    if (inForce && past && past.seq > since) return { outcome: 'superseded', of: past, inForce };
    this.texts.set(hash, files);
    const last = this.times.pop();
    if (last) this.times.push({ ...last, until: at });
    const of = { seq: this.times.length + 1, hash, replica, at, until: null };
    this.times.push(of);
    return { outcome: 'activated', of, inForce: of };
  }

  async refuse(): Promise<boolean> {
    return true;
  }

  async activations(args: Parameters<PolicyArchive['activations']>[0]): Promise<Activation[]> {
    const { hash, before, limit } = args;
    return this.times
      .filter((it) => hash === undefined || it.hash === hash)
      .filter((it) => before === undefined || it.seq < before)
      .reverse()
      .slice(0, limit);
  }
}

/** Puts a set in force, whatever was. */
export function putInForce(
  archive: PolicyArchive,
  set: PolicySet,
  at = new Date(),
): Promise<Proposed> {
  return archive.propose({
    hash: set.hash,
    files: set.files,
    since: Number.MAX_SAFE_INTEGER,
    replica: 'test',
    at,
    audit: (replaced) => activatedEntry({ at, replica: 'test', replaced, set }),
  });
}
